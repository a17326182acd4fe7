use crate::catalog::Later;
use crate::discovery::{Endpoint, Prepared};
use crate::dns::{Across, InsideDns, Unanswered};
use crate::http::{Elsewhere, Inside, Names};
use crate::model::{CheckStatus, Datacenter, Node, NodeName, NodeService, RaftIndex, ServiceId, ServiceName};
use crate::wire::{GoDuration, PassedRequest};
use futures_util::future::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Questions of DNS travel between datacenters as requests to the API, which knows the way.
pub(in crate::agent) struct NamesAcross {
    pub elsewhere: Arc<dyn Elsewhere>,
    /// This agent's own API, which executes prepared queries wherever they find something.
    pub inside: Inside,
}

const OK: u16 = 200;
const NOT_FOUND: u16 = 404;
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
            let answer = self.elsewhere.pass_across(&datacenter, request, Duration::ZERO).await;
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

    fn execute(&self, query: String) -> BoxFuture<'_, Result<Option<Prepared>, Unanswered>> {
        Box::pin(async move {
            let name = utf8_percent_encode(&query, NON_ALPHANUMERIC);
            let request = PassedRequest {
                origin: None,
                method: "GET".to_owned(),
                uri: format!("/v1/query/{name}/execute"),
                token: None,
                body: Vec::new(),
                hops: 0,
            };
            let failed = |reason| Unanswered::Failed { reason };
            let answer = self.inside.answer(request).await.map_err(failed)?;
            match answer.status {
                OK => {}
                NOT_FOUND => return Ok(None),
                _ => return Err(failed(String::from_utf8_lossy(&answer.body).into_owned())),
            }
            let found = serde_json::from_slice(&answer.body).map_err(|error| failed(error.to_string()))?;
            Ok(prepared(&found))
        })
    }
}

/// What the API has found; nothing where that is no instance.
fn prepared(found: &Value) -> Option<Prepared> {
    let endpoints: Vec<Endpoint> = found["Nodes"].as_array()?.iter().filter_map(endpoint).collect();
    let ttl = found["DNS"]["TTL"].as_str().and_then(|text| text.parse::<GoDuration>().ok());
    let ttl = ttl.map(|ttl| ttl.0).filter(|ttl| !ttl.is_zero());
    (!endpoints.is_empty()).then_some(Prepared { endpoints, ttl, fails_over: true })
}

/// As much of it as names need.
fn endpoint(entry: &Value) -> Option<Endpoint> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (node, service) = (&entry["Node"], &entry["Service"]);
    let node = Node {
        id: None,
        name: NodeName::new(node["Node"].as_str()?).ok()?,
        address: text(&node["Address"])?,
        datacenter: Datacenter::new(node["Datacenter"].as_str()?).ok()?,
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        index: RaftIndex::default(),
    };
    let name = ServiceName::new(service["Service"].as_str()?).ok()?;
    let weight = service["Weights"]["Passing"].as_u64().and_then(|weight| u16::try_from(weight).ok());
    let mut found = NodeService::new(ServiceId::new(service["ID"].as_str()?).ok()?, name);
    found.address = text(&service["Address"]).unwrap_or_default();
    found.port = u16::try_from(service["Port"].as_u64()?).ok()?;
    found.weights.passing = weight.unwrap_or(found.weights.passing);
    Some(Endpoint { node: Arc::new(node), service: Arc::new(found), status: CheckStatus::Passing })
}

/// What other datacenters ask of this one's names.
pub(in crate::agent) struct NamesHere(pub InsideDns);

impl Names for NamesHere {
    fn answer(&self, question: Vec<u8>) -> Later<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.0.answer(&question).await })
    }
}
