use super::fields;
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::intention;
use crate::model::{Intention, IntentionId};
use crate::state::{Command, GetIntention, IntentionRead, ListIntentions, Query};
use crate::wire;
use std::sync::Arc;

pub async fn list(call: Call) -> Answered {
    let filter = call.filter(&fields::INTENTION)?;
    let shown = call.read(&ListIntentions).await?.map(|list| shown(&call, &list));
    call.read_answer(&shown, filter.as_ref())
}

/// Those that the caller may see, for the wire.
pub fn shown(call: &Call, list: &[Arc<Intention>]) -> Vec<wire::Intention> {
    let seen = list.iter().filter(|intention| call.sees_intention(intention));
    seen.map(|intention| wire::Intention::from(&**intention)).collect()
}

/// The agent chooses the id.
pub async fn create(call: Call) -> Answered {
    let wanted: wire::Intention = call.json()?;
    if !wanted.id.is_empty() {
        return Err(ApiError::bad_request("ID must be empty when creating a new intention"));
    }
    put(&call, wanted, IntentionId::new_v4()).await
}

pub async fn update(call: Call) -> Answered {
    let id = id(&call)?;
    let wanted: wire::Intention = call.json()?;
    // Who moves an intention must be allowed to take it away from where it was.
    call.enforce(Access::INTENTION_WRITE, existing(&call, id)?.destination.as_str())?;
    put(&call, wanted, id).await
}

async fn put(call: &Call, wanted: wire::Intention, id: IntentionId) -> Answered {
    let intention = wanted.into_model(id, call.deps.clock.now().millis())?;
    intention::validate(&intention)?;
    call.enforce(Access::INTENTION_WRITE, intention.destination.as_str())?;
    call.deps.catalog.write(Command::PutIntention(Box::new(intention))).await?;
    call.json_answer(&wire::Created { id: id.to_string() })
}

pub async fn read(call: Call) -> Answered {
    let id = id(&call)?;
    let reply = call.read(&GetIntention(IntentionRead::Id(id))).await?;
    let found = reply.value.as_ref().filter(|intention| call.sees_intention(intention));
    let found = wire::Intention::from(&**found.ok_or_else(not_found)?);
    call.read_answer(&reply.map(|_| found), None)
}

pub async fn delete(call: Call) -> Answered {
    let id = id(&call)?;
    let found = existing(&call, id)?;
    call.enforce(Access::INTENTION_WRITE, found.destination.as_str())?;
    call.deps.catalog.write(Command::DeleteIntention(id)).await?;
    call.json_answer(&true)
}

fn id(call: &Call) -> Result<IntentionId, ApiError> {
    let text = call.named("intention id")?;
    text.parse().map_err(|_| ApiError::bad_request(format!("the intention id {text:?} is not a UUID")))
}

fn existing(call: &Call, id: IntentionId) -> Result<Arc<Intention>, ApiError> {
    GetIntention(IntentionRead::Id(id)).run(&call.deps.catalog.state()).ok_or_else(not_found)
}

pub fn not_found() -> ApiError {
    ApiError::not_found("Intention not found")
}
