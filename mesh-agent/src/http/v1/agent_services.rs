use super::fields;
use super::hash_wait::wait_for_other_hash;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::read::CONTENT_HASH;
use crate::local::{LocalService, LocalView};
use crate::model::ServiceId;
use crate::wire;
use serde_json::json;
use std::collections::BTreeMap;

/// This node's instances by id.
pub async fn list(call: Call) -> Answered {
    let filter = call.filter(&fields::SERVICE)?;
    let view = call.deps.local.view();
    let seen = view.services.values().filter(|local| call.sees_service(&local.service.name));
    let shown: BTreeMap<_, _> = seen.map(|local| (local.service.id.to_string(), shown(local))).collect();
    match filter {
        None => call.json_answer(&shown),
        Some(filter) => call.json_answer(&filter.retain(json!(shown))),
    }
}

/// One instance; with `?hash=`, once it differs from what has that hash.
pub async fn one(call: Call) -> Answered {
    let id = ServiceId::new(call.named("service id")?)?;
    let hash = |view: &LocalView| view.services.get(&id).map(|local| local.content_hash.clone());
    wait_for_other_hash(&call, hash).await;
    let view = call.deps.local.view();
    let local = view.services.get(&id).filter(|local| call.sees_service(&local.service.name));
    let local = local.ok_or_else(|| ApiError::not_found(format!("unknown service ID: {id}")))?;
    let service = wire::Service {
        content_hash: local.content_hash.clone(),
        datacenter: call.deps.facts.datacenter.to_string(),
        ..shown(local)
    };
    Ok(call.json_answer(&service)?.with(CONTENT_HASH, &local.content_hash))
}

/// A service that was registered shows the managed proxy it asked for; a derived one is plain.
pub fn shown(local: &LocalService) -> wire::Service {
    match local.parent {
        None => wire::Service::from(&local.definition),
        Some(_) => wire::Service::from(&local.service),
    }
}
