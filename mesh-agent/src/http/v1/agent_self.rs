use super::members::member;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::deps::{AgentFacts, DataPlaneFacts};
use crate::wire;
use serde_json::{Value, json};

/// Who this agent is and how it fares; values of `Stats` are text, as the command line prints them.
pub async fn show(call: Call) -> Answered {
    let facts = &*call.deps.facts;
    let dataplane = call.deps.dataplane.facts().await;
    let place = call.deps.gossip.as_ref().map(|gossip| *gossip.place().borrow()).unwrap_or_default();
    call.json_answer(&json!({
        "Config": config(facts),
        "DebugConfig": facts.debug_config,
        "Coord": wire::Coordinate::from(&place),
        "Member": member(facts),
        "Stats": stats(&call, &dataplane),
        "Meta": call.deps.local.options().node.meta,
        "xDS": null,
    }))
}

fn config(facts: &AgentFacts) -> Value {
    json!({
        "Datacenter": facts.datacenter,
        "PrimaryDatacenter": facts.primary.as_ref().unwrap_or(&facts.datacenter),
        "NodeName": facts.node,
        "NodeID": facts.node_id,
        "Revision": facts.revision,
        "Server": facts.server,
        "Version": facts.version,
    })
}

fn stats(call: &Call, dataplane: &DataPlaneFacts) -> Value {
    let (facts, view) = (&call.deps.facts, call.deps.local.view());
    let leader = call.deps.catalog.leader();
    let own = std::net::SocketAddr::new(facts.address, facts.server_port).to_string();
    json!({
        "agent": {
            "checks": view.checks.len().to_string(),
            "services": view.services.len().to_string(),
        },
        "build": {"revision": facts.revision, "version": facts.version},
        "consul": {
            "known_datacenters": call.deps.elsewhere.datacenters().len().max(1).to_string(),
            "leader": (leader.as_ref() == Some(&own)).to_string(),
            "leader_addr": leader.unwrap_or_default(),
            "server": facts.server.to_string(),
        },
        "dataplane": dataplane,
        "raft": {
            "applied_index": call.deps.catalog.state().applied().to_string(),
            "num_peers": call.deps.catalog.peers().len().saturating_sub(1).to_string(),
        },
        "runtime": {
            "arch": std::env::consts::ARCH,
            "cpu_count": std::thread::available_parallelism().map_or(1, usize::from).to_string(),
            "os": std::env::consts::OS,
        },
    })
}

pub async fn version(call: Call) -> Answered {
    let facts = &call.deps.facts;
    call.json_answer(&json!({
        "SHA": facts.revision,
        "BuildDate": "",
        "HumanVersion": facts.version,
        "FIPS": "",
    }))
}
