use crate::acl::Access;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::read::{INDEX, cache_hit};
use crate::model::ServiceName;
use crate::wire;
use http::header;
use std::time::Duration;

/// A service's certificate with its key; with `?index=`, once there is a newer one.
pub async fn leaf(call: Call) -> Answered {
    let service = ServiceName::new(call.named("service name")?)?;
    call.enforce(Access::SERVICE_WRITE, service.as_str())?;
    let (above, wait) = match call.options.above {
        Some(above) => (above, call.patience()),
        None => (0, Duration::ZERO),
    };
    let cert = call.deps.leaves.fetch(&service, above, wait).await?;
    let index = cert.index.modify.max(1); // Clients take 0 for an error.
    let answer = call.json_answer(&wire::LeafCert::from(&*cert))?.with(INDEX, &index.to_string());
    Ok(cache_hit(answer).with(header::CACHE_CONTROL, "no-store"))
}
