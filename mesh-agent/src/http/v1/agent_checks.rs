use super::fields;
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::local::Source;
use crate::model::{CheckDefinition, CheckId, CheckStatus, ServiceId};
use crate::wire::{self, CheckOf, CheckUpdate};
use serde_json::json;
use std::collections::BTreeMap;

/// This node's checks by id.
pub async fn list(call: Call) -> Answered {
    let filter = call.filter(&fields::CHECK)?;
    let view = call.deps.local.view();
    let seen = view.checks.values().filter(|local| call.sees_check(&local.check));
    let shown: BTreeMap<_, _> =
        seen.map(|local| (local.check.id.to_string(), wire::HealthCheck::from(&local.check))).collect();
    match filter {
        None => call.json_answer(&shown),
        Some(filter) => call.json_answer(&filter.retain(json!(shown))),
    }
}

pub async fn register(call: Call) -> Answered {
    let definition = call.json::<wire::CheckDefinition>()?.into_model(CheckOf::Agent)?;
    enforce_owner(&call, definition.service.as_ref())?;
    if let Some(before) = call.deps.local.view().checks.get(&definition.id) {
        enforce_owner(&call, before.definition.service.as_ref())?;
    }
    call.deps.local.add_check(definition, Source::Api)?;
    Ok(Answer::empty())
}

pub async fn deregister(call: Call) -> Answered {
    let id = writable(&call)?.id;
    call.deps.local.remove_check(&id)?;
    Ok(Answer::empty())
}

pub async fn pass(call: Call) -> Answered {
    report_note(&call, CheckStatus::Passing)
}

pub async fn warn(call: Call) -> Answered {
    report_note(&call, CheckStatus::Warning)
}

pub async fn fail(call: Call) -> Answered {
    report_note(&call, CheckStatus::Critical)
}

fn report_note(call: &Call, status: CheckStatus) -> Answered {
    report(call, status, call.parameters.get("note").unwrap_or_default())
}

/// The same with status and output in the body.
pub async fn update(call: Call) -> Answered {
    let update: CheckUpdate = call.json()?;
    report(&call, update.status()?, &update.output)
}

/// What a service says of itself through its TTL check.
fn report(call: &Call, status: CheckStatus, output: &str) -> Answered {
    let check = writable(call)?;
    call.deps.local.report_ttl(&check.id, status, output)?;
    Ok(Answer::empty())
}

/// The check in the path, which the caller may write.
fn writable(call: &Call) -> Result<CheckDefinition, ApiError> {
    let id = CheckId::new(call.named("check id")?)?;
    let view = call.deps.local.view();
    let unknown = || {
        ApiError::not_found(format!(
            "Unknown check ID {id:?}. Ensure that the check ID is passed, not the check name."
        ))
    };
    let local = view.checks.get(&id).ok_or_else(unknown)?;
    enforce_owner(call, local.definition.service.as_ref())?;
    Ok(local.definition.clone())
}

/// A service's checks are the service's, the others the node's.
fn enforce_owner(call: &Call, service: Option<&ServiceId>) -> Result<(), ApiError> {
    let view = call.deps.local.view();
    match service.and_then(|id| view.services.get(id)) {
        Some(local) => call.enforce(Access::SERVICE_WRITE, local.service.name.as_str()),
        None => call.enforce(Access::NODE_WRITE, call.deps.facts.node.as_str()),
    }
}
