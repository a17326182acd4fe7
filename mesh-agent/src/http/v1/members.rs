use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::deps::AgentFacts;
use crate::wire::Member;

/// Serf's number for a member that is alive.
const ALIVE: u8 = 1;
/// The version of the member protocol that clients of Consul expect.
const PROTOCOL: u8 = 2;

/// The agents that this one knows: itself, as long as agents do not gossip.
pub async fn list(call: Call) -> Answered {
    let mut own = member(&call.deps.facts);
    if !call.sees_node(&call.deps.facts.node) {
        return call.json_answer(&[(); 0]);
    }
    if call.parameters.flag("wan")? {
        own.name = format!("{}.{}", own.name, call.deps.facts.datacenter);
    }
    call.json_answer(&[own])
}

/// This agent in the form in which a member list has it.
pub fn member(facts: &AgentFacts) -> Member {
    let text = |value: &str| value.to_owned();
    let tags = [
        ("role", text(if facts.server { "consul" } else { "node" })),
        ("dc", facts.datacenter.to_string()),
        ("id", facts.node_id.to_string()),
        ("build", format!("{}:{}", facts.version, facts.revision)),
        ("port", facts.server_port.to_string()),
        ("vsn", PROTOCOL.to_string()),
        ("vsn_min", PROTOCOL.to_string()),
        ("vsn_max", PROTOCOL.to_string()),
        ("segment", String::new()),
    ];
    Member {
        name: facts.node.to_string(),
        addr: facts.address.to_string(),
        port: facts.serf_port,
        tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        status: ALIVE,
        protocol_min: PROTOCOL,
        protocol_max: PROTOCOL,
        protocol_cur: PROTOCOL,
        ..Member::default()
    }
}

pub async fn join(call: Call) -> Answered {
    let address = call.named("address to join")?;
    Err(ApiError::Unsupported {
        reason: format!("cannot join {address}: this agent is a cluster of its own and does not gossip"),
    })
}

/// Nothing is left to force out of a cluster of one.
pub async fn force_leave(call: Call) -> Answered {
    let node = call.named("node name")?;
    if call.deps.facts.node.as_str().eq_ignore_ascii_case(node) {
        return Err(ApiError::bad_request(format!("{node} is this agent: use /v1/agent/leave")));
    }
    Err(ApiError::not_found(format!("agent: No node found with name '{node}'")))
}
