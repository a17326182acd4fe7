use super::{nearest, query_failover};
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::model::{self, PreparedQueryId};
use crate::state::{Command, ExecutePrepared, Executed, ExplainPrepared, GetPrepared, ListPrepared, Query};
use crate::wire::{self, Created, PreparedQuery, QueryDns};
use serde_json::{Value, json};
use std::sync::Arc;

/// The agent chooses the id.
pub async fn create(call: Call) -> Answered {
    let id = PreparedQueryId::new_v4();
    put(&call, id).await?;
    call.json_answer(&Created { id: id.to_string() })
}

pub async fn update(call: Call) -> Answered {
    let before = existing(&call)?;
    call.enforce(Access::QUERY_WRITE, &before.name)?;
    put(&call, before.id).await?;
    Ok(Answer::empty())
}

async fn put(call: &Call, id: PreparedQueryId) -> Result<(), ApiError> {
    let query = call.json::<PreparedQuery>()?.into_model(id)?;
    call.enforce(Access::QUERY_WRITE, &query.name)?;
    call.deps.catalog.write(Command::PutPreparedQuery(Box::new(query))).await?;
    Ok(())
}

pub async fn delete(call: Call) -> Answered {
    let query = existing(&call)?;
    call.enforce(Access::QUERY_WRITE, &query.name)?;
    call.deps.catalog.write(Command::DeletePreparedQuery(query.id)).await?;
    Ok(Answer::empty())
}

pub async fn list(call: Call) -> Answered {
    let shown = call.read(&ListPrepared).await?.map(|queries| {
        let seen = queries.iter().filter(|query| sees(&call, query));
        seen.map(|query| PreparedQuery::from(&**query)).collect::<Vec<_>>()
    });
    call.read_answer(&shown, None)
}

/// The definition of an id; or, of an id or a name, what it finds or how it is filled in.
pub async fn read(call: Call) -> Answered {
    if let Some(asked) = call.name.strip_suffix("/execute") {
        return execute(&call, asked).await;
    }
    if let Some(asked) = call.name.strip_suffix("/explain") {
        return explain(&call, asked).await;
    }
    let reply = call.read(&GetPrepared(id(&call)?)).await?;
    let found = reply.value.as_ref().filter(|query| sees(&call, query)).ok_or_else(not_found)?;
    let shown = [PreparedQuery::from(&**found)];
    Ok(call.read_headers(&reply, call.json_answer(&shown)?))
}

async fn explain(call: &Call, asked: &str) -> Answered {
    let reply = call.read(&ExplainPrepared(asked.to_owned())).await?;
    let found = reply.value.as_ref().filter(|query| sees(call, query)).ok_or_else(not_found)?;
    let shown = json!({"Query": PreparedQuery::from(found)});
    Ok(call.read_headers(&reply, call.json_answer(&shown)?))
}

/// Whoever asks sees the instances that its own token may see.
async fn execute(call: &Call, asked: &str) -> Answered {
    let reply = call.read(&ExecutePrepared(asked.to_owned())).await?;
    let found = reply.value.as_ref().ok_or_else(not_found)?;
    let mut shown = executed(call, found)?;
    if shown["Nodes"].as_array().is_none_or(Vec::is_empty)
        && let Some(other) = query_failover::elsewhere(call, &found.query).await
    {
        shown = other;
    }
    let answer = call.json_answer(&shown)?;
    Ok(call.read_headers(&reply, answer))
}

pub(super) fn executed(call: &Call, found: &Executed) -> Result<Value, ApiError> {
    let mut instances = found.instances.clone();
    instances.retain(|i| call.sees_node(&i.node.name) && call.sees_service(&i.service.name));
    let near = call.options.near.as_deref().unwrap_or(&found.query.service.near);
    crate::discovery::shuffle(&mut instances, rand::random());
    nearest::sort(call, near, &mut instances, |instance| &instance.node.name);
    instances.truncate(limit(call)?);
    let entry = |i: &crate::state::ServiceInstance| {
        wire::ServiceEntry::new(&i.node, &i.service, i.checks.iter().map(|check| &**check))
    };
    let query = PreparedQuery::from(&found.query);
    Ok(json!({
        "Service": query.service.service,
        "Nodes": instances.iter().map(entry).collect::<Vec<_>>(),
        "DNS": QueryDns { ttl: query.dns.ttl },
        "Datacenter": call.deps.facts.datacenter,
        "Failovers": 0,
    }))
}

/// 0 is no limit.
fn limit(call: &Call) -> Result<usize, ApiError> {
    let Some(text) = call.parameters.filled("limit") else { return Ok(usize::MAX) };
    let invalid = |_| ApiError::bad_request(format!("Bad limit: {text:?} is not a number from 0 up"));
    let limit: usize = text.parse().map_err(invalid)?;
    Ok(if limit == 0 { usize::MAX } else { limit })
}

fn sees(call: &Call, query: &model::PreparedQuery) -> bool {
    call.enforce(Access::QUERY_READ, &query.name).is_ok()
}

fn existing(call: &Call) -> Result<Arc<model::PreparedQuery>, ApiError> {
    GetPrepared(id(call)?).run(&call.deps.catalog.state()).ok_or_else(not_found)
}

/// What is no id names no query.
fn id(call: &Call) -> Result<PreparedQueryId, ApiError> {
    call.named("query id")?.parse().map_err(|_| not_found())
}

fn not_found() -> ApiError {
    ApiError::not_found("Query not found")
}
