use super::intentions::not_found;
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::intention;
use crate::model::{IntentionId, IntentionTarget};
use crate::state::{Command, GetIntention, IntentionRead};
use crate::wire;

/// Intentions named by their two ends.
pub async fn read(call: Call) -> Answered {
    let (source, destination) = ends(&call)?;
    let reply = call.read(&GetIntention(IntentionRead::Pair(source, destination))).await?;
    let found = reply.value.as_ref().filter(|intention| call.sees_intention(intention));
    let found = wire::Intention::from(&**found.ok_or_else(not_found)?);
    call.read_answer(&reply.map(|_| found), None)
}

/// Creates or replaces; the names in the query are the ones that count.
pub async fn put(call: Call) -> Answered {
    let (source, destination) = ends(&call)?;
    call.enforce(Access::INTENTION_WRITE, destination.as_str())?;
    let mut wanted: wire::Intention = call.json()?;
    same("SourceName", &mut wanted.source_name, &source)?;
    same("DestinationName", &mut wanted.destination_name, &destination)?;
    let intention = wanted.into_model(IntentionId::new_v4(), call.deps.clock.now().millis())?;
    intention::validate(&intention)?;
    call.deps.catalog.write(Command::PutIntentionByName(Box::new(intention))).await?;
    call.json_answer(&true)
}

/// What is gone already is no error.
pub async fn delete(call: Call) -> Answered {
    let (source, destination) = ends(&call)?;
    call.enforce(Access::INTENTION_WRITE, destination.as_str())?;
    match call.deps.catalog.write(Command::DeleteIntentionByName { source, destination }).await {
        Err(error) if !is_absent(&error) => Err(error.into()),
        _ => call.json_answer(&true),
    }
}

fn is_absent(error: &crate::catalog::CatalogError) -> bool {
    use crate::state::Refusal::NoSuchIntentionPair;
    matches!(error, crate::catalog::CatalogError::Refused(NoSuchIntentionPair { .. }))
}

fn ends(call: &Call) -> Result<(IntentionTarget, IntentionTarget), ApiError> {
    Ok((target(call.parameters.required("source")?)?, target(call.parameters.required("destination")?)?))
}

/// `name`, `namespace/name` or `partition/namespace/name`, where only the default ones exist.
pub fn target(text: &str) -> Result<IntentionTarget, ApiError> {
    let name = match text.split('/').collect::<Vec<_>>()[..] {
        ["default", name] | ["default", "default", name] => name,
        _ => text,
    };
    Ok(IntentionTarget::parse(name)?)
}

fn same(field: &str, found: &mut String, wanted: &IntentionTarget) -> Result<(), ApiError> {
    if found.is_empty() {
        wanted.as_str().clone_into(found);
    }
    if found == wanted.as_str() {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("{field} is {found:?} in the body but {wanted} in the query")))
}
