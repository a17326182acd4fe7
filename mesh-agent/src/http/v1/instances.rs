use super::nearest::nearest_first;
use crate::catalog::Reply;
use crate::http::ApiError;
use crate::http::call::Call;
use crate::model::{CheckStatus, ServiceName};
use crate::state::{InstancesOf, ServiceInstance, Through};

/// The instances of the service in the path, with all that the query part asks of them.
pub async fn instances(call: &Call, through: Through) -> Result<Reply<Vec<ServiceInstance>>, ApiError> {
    let service = ServiceName::new(call.named("service name")?)?;
    let passing = call.parameters.flag("passing")?;
    let reply = call.read(&InstancesOf { service, through }).await?;
    Ok(reply.map(|mut list| {
        list.retain(|instance| wanted(call, instance, passing));
        nearest_first(call, &mut list, |instance| &instance.node.name);
        list
    }))
}

fn wanted(call: &Call, instance: &ServiceInstance, passing: bool) -> bool {
    let tagged = |tag: &str| instance.service.tags.iter().any(|own| own.eq_ignore_ascii_case(tag));
    call.sees_node(&instance.node.name)
        && call.sees_service(&instance.service.name)
        && call.options.wants_node(&instance.node.meta)
        && call.parameters.all("tag").all(tagged)
        && (!passing || instance.status() == CheckStatus::Passing)
}
