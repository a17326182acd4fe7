use super::raft::operator;
use crate::gossip::Gossip;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::leader::{self, Voter};
use crate::model::AutopilotConfig;
use crate::state::{Command, GetAutopilot, Query};
use crate::wire;
use http::StatusCode;

/// How servers are taken in and out; the defaults where nobody has said it.
pub async fn configuration(call: Call) -> Answered {
    let reply = call.read(&GetAutopilot).await?;
    let shown =
        |config: Option<&AutopilotConfig>| config.map_or_else(Default::default, wire::Autopilot::from);
    call.read_answer(&reply.map(|config| shown(config.as_deref())), None)
}

/// With `?cas=`, only if nobody has changed it since: `true`, or `false` where somebody has.
pub async fn configure(call: Call) -> Answered {
    let wanted: wire::Autopilot = call.json()?;
    let expected = match call.parameters.filled("cas") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            ApiError::bad_request(format!("Error parsing cas value: found {text:?}, want an index"))
        })?),
    };
    let command = Command::SetAutopilot { config: wanted.into(), expected };
    call.json_answer(&call.deps.catalog.write_if(command).await?)
}

/// How the servers are; 429 where one of them is not well, as load balancers and scripts look at the status.
pub async fn health(call: Call) -> Answered {
    let voters: Vec<Voter> = operator(&call)?.servers().into_iter().map(Voter::from).collect();
    let config = GetAutopilot.run(&call.deps.catalog.state()).map(|config| (*config).clone());
    let members = call.deps.gossip.as_ref().map(Gossip::members);
    let found = leader::health(members.as_deref(), &voters, &config.unwrap_or_default());
    let own = call.deps.facts.node.as_str();
    let servers = found.servers.iter().map(|server| shown(server, own)).collect();
    let shown = wire::ServersHealth { healthy: found.healthy, failure_tolerance: found.tolerates, servers };
    let status = if found.healthy { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
    Ok(call.json_answer(&shown)?.status(status))
}

/// Without gossip there is this server alone.
fn shown(server: &leader::ServerHealth, own: &str) -> wire::ServerHealth {
    let (voter, member) = (&server.voter, server.member.as_ref());
    wire::ServerHealth {
        id: voter.id.to_string(),
        name: member.map_or(own, |member| member.name.as_str()).to_owned(),
        address: voter.address.clone(),
        serf_status: member.map_or("alive", |member| member.state.name()).to_owned(),
        version: member.map(|member| member.version.clone()).unwrap_or_default(),
        leader: voter.leader,
        last_contact: wire::GoDuration(voter.last_contact.unwrap_or_default()).to_string(),
        last_term: voter.term.unwrap_or_default(),
        last_index: voter.matched.unwrap_or_default(),
        healthy: server.healthy,
        voter: voter.votes,
        stable_since: wire::rfc3339(member.map_or(0, |member| member.since.millis() / 1000)),
    }
}
