use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::model::{Key, KvEntry, KvValue, SessionId};
use crate::state::{Command, GetKey, KeyNames, KvVerb, KvWrite, ListKeys, Query, Refusal};
use crate::wire::KvPair;
use bytes::Bytes;
use http::StatusCode;
use std::sync::Arc;

/// One value, those below a prefix, or the names below it.
pub async fn read(call: Call) -> Answered {
    if call.parameters.has("keys") {
        names(&call).await
    } else if call.parameters.has("recurse") {
        tree(&call).await
    } else {
        one(&call).await
    }
}

async fn one(call: &Call) -> Answered {
    let key = call.named("key name")?;
    call.enforce(Access::KEY_READ, key)?;
    let reply = call.read(&GetKey(key.into())).await?;
    let Some(entry) = &reply.value else { return Ok(call.read_headers(&reply, not_found())) };
    if call.parameters.has("raw") {
        return Ok(call.read_headers(&reply, Answer::bytes(entry.value.0.clone())));
    }
    let shown = [KvPair::from(&**entry)];
    Ok(call.read_headers(&reply, call.json_answer(&shown)?))
}

async fn tree(call: &Call) -> Answered {
    let reply = call.read(&ListKeys(call.name.as_str().into())).await?;
    let seen = reply.value.iter().filter(|entry| sees(call, &entry.key));
    let shown: Vec<_> = seen.map(|entry| KvPair::from(&**entry)).collect();
    let answer = if shown.is_empty() { not_found() } else { call.json_answer(&shown)? };
    Ok(call.read_headers(&reply, answer))
}

/// Nothing below the root is an empty list; nothing below a prefix is not found.
async fn names(call: &Call) -> Answered {
    let separator = call.parameters.filled("separator").map(str::to_owned);
    let reply = call.read(&KeyNames { prefix: call.name.as_str().into(), separator }).await?;
    let shown: Vec<&Key> = reply.value.iter().filter(|key| sees(call, key)).collect();
    let nothing = shown.is_empty() && !call.name.is_empty();
    let answer = if nothing { not_found() } else { call.json_answer(&shown)? };
    Ok(call.read_headers(&reply, answer))
}

fn sees(call: &Call, key: &str) -> bool {
    call.enforce(Access::KEY_READ, key).is_ok()
}

fn not_found() -> Answer {
    Answer::empty().status(StatusCode::NOT_FOUND)
}

/// `true`, or `false` where the condition of the write does not hold.
pub async fn put(call: Call) -> Answered {
    let key = call.named("key name")?;
    call.enforce(Access::KEY_WRITE, key)?;
    let verb = put_verb(&call)?;
    write(&call, key, verb).await
}

fn put_verb(call: &Call) -> Result<KvVerb, ApiError> {
    let flags = number(call, "flags")?.unwrap_or(0);
    // A copy: what came from the connection holds all of the buffer that it was read into, as long as it is there.
    let value = KvValue(Bytes::copy_from_slice(&call.body));
    let parameters = &call.parameters;
    only_one(call, &["cas", "acquire", "release"])?;
    if let Some(index) = number(call, "cas")? {
        return Ok(KvVerb::Cas { value, flags, index });
    }
    if let Some(text) = parameters.get("acquire") {
        return Ok(KvVerb::Lock { value, flags, session: session(text)? });
    }
    if let Some(text) = parameters.get("release") {
        return Ok(KvVerb::Unlock { value, flags, session: session(text)? });
    }
    Ok(KvVerb::Set { value, flags })
}

pub async fn delete(call: Call) -> Answered {
    only_one(&call, &["recurse", "cas"])?;
    if call.parameters.has("recurse") {
        enforce_below(&call)?;
        return write(&call, &call.name, KvVerb::DeleteTree).await;
    }
    let key = call.named("key name")?;
    call.enforce(Access::KEY_WRITE, key)?;
    let verb = match number(&call, "cas")? {
        Some(index) => KvVerb::DeleteCas { index },
        None => KvVerb::Delete,
    };
    write(&call, key, verb).await
}

/// Who removes a tree must be allowed to write the prefix and every key below it.
fn enforce_below(call: &Call) -> Result<(), ApiError> {
    call.enforce(Access::KEY_WRITE, &call.name)?;
    let entries: Vec<Arc<KvEntry>> = ListKeys(call.name.as_str().into()).run(&call.deps.catalog.state());
    entries.iter().try_for_each(|entry| call.enforce(Access::KEY_WRITE, &entry.key))
}

async fn write(call: &Call, key: &str, verb: KvVerb) -> Answered {
    let write = KvWrite { key: key.into(), verb };
    let done = call.deps.catalog.write_if(Command::Kv(Box::new(write))).await?;
    call.json_answer(&done)
}

fn only_one(call: &Call, names: &[&str]) -> Result<(), ApiError> {
    let given: Vec<_> = names.iter().copied().filter(|name| call.parameters.has(name)).collect();
    if given.len() > 1 {
        return Err(ApiError::bad_request(format!("Conflicting flags: {}", given.join("&"))));
    }
    Ok(())
}

/// A parameter that is a number, where it is given.
fn number(call: &Call, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = call.parameters.get(name) else { return Ok(None) };
    let invalid =
        |_| ApiError::bad_request(format!("Invalid value for ?{name}: {text:?} is not a number from 0 up"));
    text.parse().map(Some).map_err(invalid)
}

/// What is not an id names no session.
fn session(text: &str) -> Result<SessionId, ApiError> {
    let unknown = |_| crate::catalog::CatalogError::from(Refusal::NoSuchSession { id: text.to_owned() });
    Ok(text.parse().map_err(unknown)?)
}
