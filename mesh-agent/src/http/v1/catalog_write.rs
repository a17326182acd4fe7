use crate::acl::Access;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::pass::pass_across;
use crate::model::Datacenter;
use crate::state::{Command, Deregistration, Registration};
use crate::wire::{CatalogDeregistration, CatalogRegistration, Deregistered};

/// Enters a node with services and checks that no agent looks after.
pub async fn register(call: Call) -> Answered {
    let wanted = call.json::<CatalogRegistration>()?.into_model(&call.deps.facts.datacenter)?;
    if let Some(datacenter) = other(&call, Some(&wanted.node.datacenter)) {
        return pass_across(&datacenter, call).await;
    }
    call.enforce(Access::NODE_WRITE, wanted.node.name.as_str())?;
    if let Some(service) = &wanted.service {
        call.enforce(Access::SERVICE_WRITE, service.name.as_str())?;
    }
    let registration = Registration {
        node: wanted.node,
        skip_node_update: wanted.skip_node_update,
        services: wanted.service.into_iter().collect(),
        checks: wanted.checks,
    };
    call.deps.catalog.write(Command::Register(Box::new(registration))).await?;
    call.json_answer(&true)
}

/// Removes a check, a service or a node; what is gone already is no error.
pub async fn deregister(call: Call) -> Answered {
    let wanted = Deregistered::try_from(call.json::<CatalogDeregistration>()?)?;
    if let Some(datacenter) = other(&call, wanted.datacenter.as_ref()) {
        return pass_across(&datacenter, call).await;
    }
    call.enforce(Access::NODE_WRITE, wanted.node.as_str())?;
    let Deregistered { node, service, check, .. } = wanted;
    call.deps.catalog.write(Command::Deregister(Deregistration { node, service, check })).await?;
    call.json_answer(&true)
}

/// The datacenter that a body names, if it is not this one.
fn other(call: &Call, asked: Option<&Datacenter>) -> Option<Datacenter> {
    asked.filter(|asked| **asked != call.deps.facts.datacenter).cloned()
}
