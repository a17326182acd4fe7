use crate::gossip::{Gossip, GossipKey, KeyringReport};
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::model::Datacenter;
use crate::wire::{KeyringPool, KeyringRequest, PassedRequest};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use std::time::Duration;

/// What a server of another datacenter is asked for: its own members alone.
const WITHIN: &str = "/v1/operator/keyring?local-only=1";
const OK: u16 = 200;

/// A pool of members that share keys.
struct Pool<'a> {
    across_datacenters: bool,
    gossip: &'a Gossip,
}

/// What is done to the keys of each pool.
enum Change {
    Install,
    Use,
    Remove,
}

/// The keys that members have: the servers of all datacenters, then the members of each.
pub async fn list(call: Call) -> Answered {
    let (pools, others) = (pools(&call)?, others(&call)?);
    let reports = pools.iter().map(|pool| pool.gossip.list_keys());
    let bodies = others.iter().map(|datacenter| ask(&call, datacenter));
    let (reports, bodies) = join(join_all(reports), join_all(bodies)).await;
    let mut listed = Vec::new();
    for (pool, report) in pools.iter().zip(reports) {
        listed.push(json!(shown(&call, pool, report.map_err(ApiError::internal)?)));
    }
    for body in bodies {
        let theirs: Vec<Value> = serde_json::from_slice(&body?).map_err(ApiError::internal)?;
        listed.extend(theirs);
    }
    call.json_answer(&listed)
}

/// Has every member take a key, which opens and does not seal yet.
pub async fn install(call: Call) -> Answered {
    change(&call, &Change::Install).await
}

/// Has every member seal with a key.
pub async fn choose(call: Call) -> Answered {
    change(&call, &Change::Use).await
}

/// Has every member forget a key.
pub async fn remove(call: Call) -> Answered {
    change(&call, &Change::Remove).await
}

/// All pools are asked, whatever one of them says: what was not done is done when it is asked for again.
async fn change(call: &Call, change: &Change) -> Answered {
    let key = key(call)?;
    let (pools, others) = (pools(call)?, others(call)?);
    let here = pools.iter().map(|pool| pool.change(call, change, &key));
    let there = others.iter().map(async |datacenter| ask(call, datacenter).await.map(drop));
    let (here, there) = join(join_all(here), join_all(there)).await;
    let failed = here.into_iter().chain(there).filter_map(|done| Some(done.err()?.to_string()));
    let failed: Vec<String> = failed.collect();
    // Consul answers 500 to whatever a member refuses.
    if failed.is_empty() { Ok(Answer::empty()) } else { Err(ApiError::internal(failed.join("; "))) }
}

impl Pool<'_> {
    async fn change(&self, call: &Call, change: &Change, key: &GossipKey) -> Result<(), ApiError> {
        let done = match change {
            Change::Install => self.gossip.install_key(key).await,
            Change::Use => self.gossip.use_key(key).await,
            Change::Remove => self.gossip.remove_key(key).await,
        };
        let named = |error| ApiError::internal(format!("{}: {error}", self.name(call)));
        done.map(drop).map_err(named)
    }

    fn name(&self, call: &Call) -> String {
        match self.across_datacenters {
            true => "WAN".to_owned(),
            false => format!("{} (LAN)", call.deps.facts.datacenter),
        }
    }
}

fn pools(call: &Call) -> Result<Vec<Pool<'_>>, ApiError> {
    let missing = || ApiError::internal("keyring is empty (encryption not enabled)");
    let lan = Pool { across_datacenters: false, gossip: call.deps.gossip.as_ref().ok_or_else(missing)? };
    let is_local = is_local(call)?;
    let wan = call.deps.wan.as_ref().filter(|_| !is_local);
    let wan = wan.map(|gossip| Pool { across_datacenters: true, gossip });
    Ok(wan.into_iter().chain([lan]).collect())
}

fn is_local(call: &Call) -> Result<bool, ApiError> {
    call.parameters.flag("local-only")
}

/// Datacenters whose members are asked by servers of theirs.
fn others(call: &Call) -> Result<Vec<Datacenter>, ApiError> {
    if is_local(call)? {
        return Ok(Vec::new());
    }
    let own = &call.deps.facts.datacenter;
    Ok(call.deps.elsewhere.datacenters().into_iter().filter(|known| known != own).collect())
}

/// The same of the members of another datacenter.
async fn ask(call: &Call, datacenter: &Datacenter) -> Result<Vec<u8>, ApiError> {
    let request = PassedRequest {
        origin: Some(call.origin.clone()),
        method: call.method.to_string(),
        uri: WITHIN.to_owned(),
        token: None,
        body: call.body.to_vec(),
        hops: call.hops + 1,
    };
    let passed = call.deps.elsewhere.pass_across(datacenter, request, Duration::ZERO).await;
    let answer = passed.map_err(|reason| ApiError::internal(format!("{datacenter} (LAN): {reason}")))?;
    if answer.status == OK {
        return Ok(answer.body);
    }
    Err(ApiError::internal(String::from_utf8_lossy(&answer.body)))
}

fn key(call: &Call) -> Result<GossipKey, ApiError> {
    let request: KeyringRequest = call.json()?;
    GossipKey::parse(&request.key).map_err(|error| ApiError::bad_request(error.to_string()))
}

fn shown(call: &Call, pool: &Pool<'_>, report: KeyringReport) -> KeyringPool {
    KeyringPool {
        wan: pool.across_datacenters,
        datacenter: call.deps.facts.datacenter.to_string(),
        segment: String::new(),
        messages: report.errors,
        keys: report.keys,
        primary_keys: report.primary_keys,
        num_nodes: report.members,
    }
}
