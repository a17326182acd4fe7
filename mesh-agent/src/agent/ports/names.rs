use crate::catalog::Later;
use crate::dns::{Across, InsideDns, Unanswered};
use crate::http::{Elsewhere, Names};
use crate::model::Datacenter;
use crate::wire::PassedRequest;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Questions of DNS travel between datacenters as requests to the API, which knows the way.
pub(in crate::agent) struct NamesAcross(pub Arc<dyn Elsewhere>);

const OK: u16 = 200;
const NO_PATH: &[u8] = b"No path to datacenter";

impl Across for NamesAcross {
    fn ask(&self, datacenter: Datacenter, question: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, Unanswered>> {
        Box::pin(async move {
            let request = PassedRequest {
                origin: None,
                method: "POST".to_owned(),
                uri: format!("/v1/internal/dns?dc={datacenter}"),
                token: None,
                body: question,
                hops: 1,
            };
            let answer = self.0.pass_across(&datacenter, request, Duration::ZERO).await;
            match answer {
                Ok(answer) if answer.status == OK => Ok(answer.body),
                Ok(answer) if answer.body == NO_PATH => Err(Unanswered::NoSuchDatacenter),
                Ok(answer) => {
                    Err(Unanswered::Failed { reason: String::from_utf8_lossy(&answer.body).into_owned() })
                }
                Err(reason) if reason.as_bytes() == NO_PATH => Err(Unanswered::NoSuchDatacenter),
                Err(reason) => Err(Unanswered::Failed { reason }),
            }
        })
    }
}

/// What other datacenters ask of this one's names.
pub(in crate::agent) struct NamesHere(pub InsideDns);

impl Names for NamesHere {
    fn answer(&self, question: Vec<u8>) -> Later<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.0.answer(&question).await })
    }
}
