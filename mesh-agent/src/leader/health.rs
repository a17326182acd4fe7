use super::Voter;
use crate::clock::Timestamp;
use crate::gossip::{MemberState, Members};
use crate::model::AutopilotConfig;
use std::time::Duration;

/// How the servers are, as their leader sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterHealth {
    /// All of them are.
    pub healthy: bool,
    /// How many of the voters that are healthy may fail until there is no majority.
    pub tolerates: usize,
    pub servers: Vec<ServerHealth>,
}

/// How one server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHealth {
    pub voter: Voter,
    /// As gossip has it; absent where no member is this server.
    pub member: Option<ServerMember>,
    pub healthy: bool,
}

/// What gossip knows of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMember {
    pub name: String,
    pub state: MemberState,
    pub version: String,
    pub since: Timestamp,
}

/// From what the leader knows at this moment. Without `members` there is one server, which lives.
pub fn health(members: Option<&Members>, voters: &[Voter], config: &AutopilotConfig) -> ClusterHealth {
    let leader = voters.iter().find(|voter| voter.leader);
    let servers: Vec<ServerHealth> = voters
        .iter()
        .map(|voter| {
            let member = members.and_then(|members| member(members, voter));
            let lives = members.is_none() || member.as_ref().is_some_and(|member| member.state.is_alive());
            let healthy = lives && leader.is_some_and(|leader| keeps_up(voter, leader, config));
            ServerHealth { voter: voter.clone(), member, healthy }
        })
        .collect();
    ClusterHealth {
        healthy: !servers.is_empty() && servers.iter().all(|server| server.healthy),
        tolerates: tolerates(&servers),
        servers,
    }
}

fn member(members: &Members, voter: &Voter) -> Option<ServerMember> {
    let known = members.iter().find(|known| known.member.raft_id == voter.id)?;
    Some(ServerMember {
        name: known.member.name.to_string(),
        state: known.state,
        version: known.member.tags.get("build").cloned().unwrap_or_default(),
        since: known.since,
    })
}

/// It has answered lately, and has about what the leader has.
fn keeps_up(voter: &Voter, leader: &Voter, config: &AutopilotConfig) -> bool {
    if voter.leader {
        return true;
    }
    let behind = leader.matched.unwrap_or(0).saturating_sub(voter.matched.unwrap_or(0));
    voter.last_contact.is_some_and(|silence| silence <= config.last_contact_threshold.max(SLACK))
        && voter.term == leader.term
        && behind <= config.max_trailing_logs
}

/// Nobody is asked more often than with a heartbeat.
const SLACK: Duration = Duration::from_millis(150);

fn tolerates(servers: &[ServerHealth]) -> usize {
    let voters = servers.iter().filter(|server| server.voter.votes);
    let (healthy, all) =
        voters.fold((0, 0), |(healthy, all), server| (healthy + usize::from(server.healthy), all + 1));
    healthy.saturating_sub(all / 2 + 1)
}
