use crate::gossip::{Gossip, GossipError, GossipKey, KeyringReport};
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::wire::{KeyringPool, KeyringRequest};

/// The keys that members have.
pub async fn list(call: Call) -> Answered {
    let report = gossip(&call)?.list_keys().await.map_err(refused)?;
    call.json_answer(&[pool(&call, report)])
}

/// Has every member take a key, which opens and does not seal yet.
pub async fn install(call: Call) -> Answered {
    let key = key(&call)?;
    gossip(&call)?.install_key(&key).await.map_err(refused)?;
    Ok(Answer::empty())
}

/// Has every member seal with a key.
pub async fn choose(call: Call) -> Answered {
    let key = key(&call)?;
    gossip(&call)?.use_key(&key).await.map_err(refused)?;
    Ok(Answer::empty())
}

/// Has every member forget a key.
pub async fn remove(call: Call) -> Answered {
    let key = key(&call)?;
    gossip(&call)?.remove_key(&key).await.map_err(refused)?;
    Ok(Answer::empty())
}

fn gossip(call: &Call) -> Result<&Gossip, ApiError> {
    let missing = || ApiError::internal("keyring is empty (encryption not enabled)");
    call.deps.gossip.as_ref().ok_or_else(missing)
}

fn key(call: &Call) -> Result<GossipKey, ApiError> {
    let request: KeyringRequest = call.json()?;
    GossipKey::parse(&request.key).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Consul answers 500 to whatever a member refuses.
fn refused(error: GossipError) -> ApiError {
    match error {
        GossipError::Key => ApiError::bad_request(error.to_string()),
        _ => ApiError::internal(error),
    }
}

fn pool(call: &Call, report: KeyringReport) -> KeyringPool {
    KeyringPool {
        wan: false,
        datacenter: call.deps.facts.datacenter.to_string(),
        segment: String::new(),
        messages: report.errors,
        keys: report.keys,
        primary_keys: report.primary_keys,
        num_nodes: report.members,
    }
}
