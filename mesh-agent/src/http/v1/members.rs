use crate::gossip::{DEFAULT_PORT, DEFAULT_WAN_PORT, Gossip, GossipError, Known};
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
    let across_datacenters = call.parameters.flag("wan")?;
    let mut members = match pool(&call)? {
        None if across_datacenters => vec![across(facts)],
        None => vec![member(facts)],
        Some(gossip) => gossip.members().iter().map(|known| shown(known)).collect(),
    };
    members.retain(|member| member.name.parse().is_ok_and(|name| call.sees_node(&name)));
    call.json_answer(&members)
}

/// The members of this datacenter, or with `?wan` the servers of all.
fn pool(call: &Call) -> Result<Option<&Gossip>, ApiError> {
    let wan = call.parameters.flag("wan")?;
    Ok(if wan { call.deps.wan.as_ref() } else { call.deps.gossip.as_ref() })
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
    let wan = call.parameters.flag("wan")?;
    let Some(gossip) = pool(&call)? else {
        let why = match wan {
            true => "only servers gossip with other datacenters (see server, ports.serf_wan)",
            false => "this agent was started as a cluster of its own (see encrypt, join, retry_join)",
        };
        return Err(ApiError::Unsupported { reason: format!("cannot join {address}: {why}") });
    };
    let port = if wan { DEFAULT_WAN_PORT } else { DEFAULT_PORT };
    let joins = gossip.join(&[address.to_owned()], port).await;
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
    // A server is a member of two pools; in that of all datacenters its name ends with its own.
    let suffix = format!(".{}", call.deps.facts.datacenter);
    let across = if node.contains('.') { node.to_owned() } else { format!("{node}{suffix}") };
    let here = node.strip_suffix(&suffix).unwrap_or(node);
    let in_lan = left(call.deps.gossip.as_ref(), here, prune).await?;
    let in_wan = left(call.deps.wan.as_ref(), &across, prune).await?;
    if in_lan || in_wan {
        return Ok(Answer::empty());
    }
    Err(ApiError::not_found(format!("agent: No node found with name '{node}'")))
}

/// Whether a pool has such a member, who has left it now.
async fn left(pool: Option<&Gossip>, name: &str, prune: bool) -> Result<bool, ApiError> {
    let Some(pool) = pool else { return Ok(false) };
    match pool.force_leave(name, prune).await {
        Ok(()) => Ok(true),
        Err(GossipError::NoSuchMember { .. }) => Ok(false),
        Err(error) => Err(ApiError::internal(error)),
    }
}
