use crate::gossip::{DEFAULT_PORT, GossipError, Known};
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::http::deps::AgentFacts;
use crate::wire::Member;

/// Serf's number for a member that is alive.
const ALIVE: u8 = 1;
/// The version of the servers' agreement that clients of Consul expect.
const RAFT_PROTOCOL: u8 = 3;
/// The version of the member protocol that clients of Consul expect.
const PROTOCOL: u8 = 2;

/// The agents that this one knows: itself at least.
pub async fn list(call: Call) -> Answered {
    let facts = &call.deps.facts;
    let mut members = match &call.deps.gossip {
        _ if call.parameters.flag("wan")? => vec![across(facts)],
        None => vec![member(facts)],
        Some(gossip) => gossip.members().iter().map(|known| shown(known)).collect(),
    };
    members.retain(|member| member.name.parse().is_ok_and(|name| call.sees_node(&name)));
    call.json_answer(&members)
}

/// As the pool between datacenters, in which each has one, names it.
fn across(facts: &AgentFacts) -> Member {
    let own = member(facts);
    Member { name: format!("{}.{}", own.name, facts.datacenter), ..own }
}

/// A member as it told of itself.
fn shown(known: &Known) -> Member {
    let member = &known.member;
    let role = if member.is_server() { "consul" } else { "node" };
    let mut tags = member.tags.clone();
    let mut tag = |key: &str, value: String| tags.insert(key.to_owned(), value);
    tag("role", role.to_owned());
    tag("dc", member.datacenter.to_string());
    tag("id", member.id.to_string());
    tag("vsn", PROTOCOL.to_string());
    tag("vsn_min", PROTOCOL.to_string());
    tag("vsn_max", PROTOCOL.to_string());
    tag("segment", String::new());
    if member.is_server() {
        tag("port", member.rpc_port.to_string());
        tag("raft_vsn", RAFT_PROTOCOL.to_string());
    }
    match member.bootstrap_expect {
        0 => None,
        1 => tag("bootstrap", "1".to_owned()),
        expect => tag("expect", expect.to_string()),
    };
    Member {
        name: member.name.to_string(),
        addr: member.address.to_string(),
        port: member.gossip_port,
        tags,
        status: known.state.status(),
        ..of_protocol()
    }
}

fn of_protocol() -> Member {
    Member { protocol_min: 1, protocol_max: PROTOCOL, protocol_cur: PROTOCOL, ..Member::default() }
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
        ..of_protocol()
    }
}

/// Greets whoever listens at the address in the path.
pub async fn join(call: Call) -> Answered {
    let address = call.named("address to join")?;
    let Some(gossip) = &call.deps.gossip else {
        let reason = format!(
            "cannot join {address}: this agent was started as a cluster of its own (see encrypt, join, retry_join)"
        );
        return Err(ApiError::Unsupported { reason });
    };
    let joins = gossip.join(&[address.to_owned()], DEFAULT_PORT).await;
    if joins.joined.is_empty() {
        let reasons: Vec<String> = joins.failed.iter().map(ToString::to_string).collect();
        return Err(ApiError::internal(reasons.join("; ")));
    }
    Ok(Answer::empty())
}

/// Says of a member that failed that it left; with `prune` it is not shown any more.
pub async fn force_leave(call: Call) -> Answered {
    let node = call.named("node name")?;
    let prune = call.parameters.flag("prune")?;
    if call.deps.facts.node.as_str().eq_ignore_ascii_case(node) {
        return Err(ApiError::bad_request(format!("{node} is this agent: use /v1/agent/leave")));
    }
    let unknown = || ApiError::not_found(format!("agent: No node found with name '{node}'"));
    let Some(gossip) = &call.deps.gossip else { return Err(unknown()) };
    match gossip.force_leave(node, prune).await {
        Ok(()) => Ok(Answer::empty()),
        Err(GossipError::NoSuchMember { .. }) => Err(unknown()),
        Err(error) => Err(ApiError::internal(error)),
    }
}
