use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::read::{INDEX, cache_hit};
use crate::model::{IssuedCert, ServiceName};
use crate::wire;
use http::header;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a first certificate may take.
const FIRST: Duration = Duration::from_secs(30);

/// A service's certificate with its key; with `?index=`, once there is a newer one.
pub async fn leaf(call: Call) -> Answered {
    let service = ServiceName::new(call.named("service name")?)?;
    call.enforce(Access::SERVICE_WRITE, service.as_str())?;
    let mut feed = call.deps.leaves.watch(&service).await.map_err(ApiError::internal)?;
    let first = tokio::time::timeout(FIRST, newer(&mut feed, 0)).await.ok().flatten();
    let first = first.ok_or_else(|| {
        ApiError::internal(format!("there is no certificate for {service} yet: the agent's log says why"))
    })?;
    let cert = match call.options.above {
        None => first,
        // A time-out is an ordinary answer: the certificate that is still the newest.
        Some(above) => tokio::time::timeout(call.patience(), newer(&mut feed, above))
            .await
            .ok()
            .flatten()
            .unwrap_or(first),
    };
    let answer = call.json_answer(&wire::LeafCert::from(&*cert))?.with(INDEX, &index(&cert).to_string());
    Ok(cache_hit(answer).with(header::CACHE_CONTROL, "no-store"))
}

/// The first certificate with a higher index; `None` if nobody will make one any more.
async fn newer(feed: &mut watch::Receiver<Option<Arc<IssuedCert>>>, above: u64) -> Option<Arc<IssuedCert>> {
    let found = feed.wait_for(|cert| cert.as_ref().is_some_and(|cert| index(cert) > above)).await.ok()?;
    found.clone()
}

/// Never 0, which clients take for an error.
fn index(cert: &IssuedCert) -> u64 {
    cert.index.modify.max(1)
}
