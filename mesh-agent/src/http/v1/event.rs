use crate::acl::Access;
use crate::event::{EventId, Filters, UserEvent, index_of};
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::read::INDEX;
use crate::model::KvValue;
use crate::wire;
use std::sync::Arc;

/// The version of the format.
const VERSION: u8 = 1;

/// Tells all nodes. The answer shows the event, of which the others may hear a little later.
pub async fn fire(call: Call) -> Answered {
    let name = call.named("name")?;
    call.enforce(Access::EVENT_WRITE, name)?;
    let filter = |name: &str| call.parameters.get(name).unwrap_or_default().to_owned();
    let event = UserEvent {
        id: EventId::new_v4(),
        name: name.to_owned(),
        payload: call.body.clone(),
        node_filter: filter("node"),
        service_filter: filter("service"),
        tag_filter: filter("tag"),
        lamport_time: call.deps.events.log.next_time(),
    };
    check(&event)?;
    call.deps.events.carrier.broadcast(event.clone()).await.map_err(ApiError::bad_request)?;
    call.json_answer(&shown(&event))
}

fn check(event: &UserEvent) -> Result<(), ApiError> {
    if !event.tag_filter.is_empty() && event.service_filter.is_empty() {
        return Err(ApiError::bad_request("Cannot provide tag filter without service filter"));
    }
    Filters::of(event).map(drop).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// With `?index=` of the last event, waits for another one.
pub async fn list(call: Call) -> Answered {
    let mut bell = call.deps.events.log.subscribe();
    let newer = async { while call.options.above == Some(newest(&call)) && bell.changed().await.is_ok() {} };
    // A time-out is an ordinary answer.
    let _ = tokio::time::timeout(call.patience(), newer).await;
    let answer = call.json_answer(&seen(&call).iter().map(|event| shown(event)).collect::<Vec<_>>())?;
    Ok(answer.with(INDEX, &newest(&call).to_string()))
}

/// Those of `?name=` that the caller may see.
fn seen(call: &Call) -> Vec<Arc<UserEvent>> {
    let mut events = call.deps.events.log.events(call.parameters.filled("name"));
    events.retain(|event| call.enforce(Access::EVENT_READ, &event.name).is_ok());
    events
}

/// 1 where there is none, since clients take 0 for an error.
fn newest(call: &Call) -> u64 {
    seen(call).last().map_or(1, |event| index_of(event.id))
}

fn shown(event: &UserEvent) -> wire::UserEvent {
    wire::UserEvent {
        id: event.id.to_string(),
        name: event.name.clone(),
        payload: KvValue(event.payload.clone()),
        node_filter: event.node_filter.clone(),
        service_filter: event.service_filter.clone(),
        tag_filter: event.tag_filter.clone(),
        version: VERSION,
        lamport_time: event.lamport_time,
    }
}
