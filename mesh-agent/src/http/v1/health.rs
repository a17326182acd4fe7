use super::fields;
use super::instances::instances;
use crate::catalog::Reply;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::{CheckStatus, HealthCheck, NodeName, ServiceName};
use crate::state::{AllChecks, GetNode, Query, ServiceChecks, ServiceInstance, Through};
use crate::wire;
use std::sync::Arc;

/// The checks of one node and of what is on it.
pub async fn node(call: Call) -> Answered {
    let name = NodeName::new(call.named("node name")?)?;
    let reply = call.read(&GetNode(name)).await?;
    checks_answer(&call, reply.map(|view| view.map(|view| view.checks).unwrap_or_default()))
}

/// The checks of one service's instances.
pub async fn checks(call: Call) -> Answered {
    let name = ServiceName::new(call.named("service name")?)?;
    let reply = call.read(&ServiceChecks(name)).await?;
    checks_answer(&call, reply)
}

/// The checks in one state, or in `any`.
pub async fn state(call: Call) -> Answered {
    let status = status(call.named("check state")?)?;
    let reply = call.read(&AllChecks(status)).await?;
    checks_answer(&call, reply)
}

fn status(text: &str) -> Result<Option<CheckStatus>, ApiError> {
    match CheckStatus::parse(text) {
        None if text != "any" => Err(ApiError::bad_request(format!(
            "Invalid check state {text:?}: want \"any\", \"passing\", \"warning\" or \"critical\""
        ))),
        found => Ok(found),
    }
}

fn checks_answer(call: &Call, reply: Reply<Vec<Arc<HealthCheck>>>) -> Answered {
    let filter = call.filter(&fields::CHECK)?;
    let on_wanted_node = nodes_wanted(call);
    let shown = reply.map(|checks| {
        let seen = checks.iter().filter(|check| call.sees_check(check) && on_wanted_node(&check.node));
        seen.map(|check| wire::HealthCheck::from(&**check)).collect::<Vec<_>>()
    });
    call.read_answer(&shown, filter.as_ref())
}

/// Checks say only the name of their node, so `?node-meta=` looks the node up.
fn nodes_wanted(call: &Call) -> impl Fn(&NodeName) -> bool {
    let state = call.deps.catalog.state();
    move |name| {
        call.options.node_meta.is_empty()
            || GetNode(name.clone()).run(&state).is_some_and(|view| call.options.wants_node(&view.node.meta))
    }
}

pub async fn service(call: Call) -> Answered {
    entries(&call, Through::Direct).await
}

pub async fn connect(call: Call) -> Answered {
    entries(&call, Through::Mesh).await
}

async fn entries(call: &Call, through: Through) -> Answered {
    let filter = call.filter(&fields::SERVICE_ENTRY)?;
    let reply = instances(call, through).await?;
    let shown = reply.map(|list| {
        let entry = |i: &ServiceInstance| {
            wire::ServiceEntry::new(&i.node, &i.service, i.checks.iter().map(|check| &**check))
        };
        list.iter().map(entry).collect::<Vec<_>>()
    });
    call.read_answer(&shown, filter.as_ref())
}
