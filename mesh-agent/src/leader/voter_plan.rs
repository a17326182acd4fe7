use super::{Autopilot, Voter};
use crate::clock::Timestamp;
use crate::gossip::{Known, MemberState, Members};
use std::net::SocketAddr;

/// One change of who votes: they are made one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VoterChange {
    /// Takes a server in without a vote, or notes its new address.
    Add(u64, SocketAddr),
    Promote(u64),
    Remove(u64),
}

/// The next change, if one is due.
pub(super) fn plan(
    members: &Members,
    voters: &[Voter],
    autopilot: &Autopilot,
    now: Timestamp,
) -> Option<VoterChange> {
    let servers: Vec<&Known> = members.iter().map(|known| &**known).filter(|k| is_server(k)).collect();
    let scene = Scene { servers, voters, autopilot, now };
    scene.promotion().or_else(|| scene.arrival()).or_else(|| scene.departure())
}

fn is_server(known: &Known) -> bool {
    known.member.is_server() && known.member.raft_id != 0
}

struct Scene<'a> {
    servers: Vec<&'a Known>,
    voters: &'a [Voter],
    autopilot: &'a Autopilot,
    now: Timestamp,
}

impl Scene<'_> {
    fn server(&self, id: u64) -> Option<&Known> {
        self.servers.iter().find(|known| known.member.raft_id == id).copied()
    }

    fn is_alive(&self, id: u64) -> bool {
        self.server(id).is_some_and(|known| known.state.is_alive())
    }

    /// A server that is alive and not known yet, or elsewhere than known.
    fn arrival(&self) -> Option<VoterChange> {
        // One that began alone has a cluster of its own: two clusters do not become one.
        let began_alone = |known: &Known| known.member.bootstrap_expect == 1;
        let mut alive = self.servers.iter().filter(|known| known.state.is_alive() && !began_alone(known));
        alive.find_map(|known| {
            let (id, address) = (known.member.raft_id, known.member.rpc());
            let voter = self.voters.iter().find(|voter| voter.id == id);
            let as_known = voter.is_some_and(|voter| voter.leader || voter.address == address.to_string());
            (!as_known).then_some(VoterChange::Add(id, address))
        })
    }

    /// One that is alive for long enough and has caught up.
    fn promotion(&self) -> Option<VoterChange> {
        let leader = self.voters.iter().find(|voter| voter.leader)?;
        let reached = |voter: &Voter| {
            let behind = leader.matched.unwrap_or(0).saturating_sub(voter.matched?);
            Some(behind <= self.autopilot.max_trailing_logs)
        };
        let ready =
            |voter: &&Voter| !voter.votes && self.is_stable(voter.id) && reached(voter).unwrap_or(false);
        self.voters.iter().find(ready).map(|voter| VoterChange::Promote(voter.id))
    }

    fn is_stable(&self, id: u64) -> bool {
        let Some(known) = self.server(id).filter(|known| known.state == MemberState::Alive) else {
            return false;
        };
        let alive_for = u128::from(self.now.millis().saturating_sub(known.since.millis()));
        alive_for >= self.autopilot.server_stabilization_time.as_millis()
    }

    /// One that left; or that failed, if enough others are there in its place.
    fn departure(&self) -> Option<VoterChange> {
        let others = || self.voters.iter().filter(|voter| !voter.leader);
        let left = others().find(|voter| self.has_left(voter.id));
        let dead = || others().find(|voter| self.is_dead(voter.id) && self.can_be_spared(voter));
        left.or_else(dead).map(|voter| VoterChange::Remove(voter.id))
    }

    fn has_left(&self, id: u64) -> bool {
        self.server(id).is_some_and(|known| known.state == MemberState::Left)
    }

    fn is_dead(&self, id: u64) -> bool {
        self.server(id).is_some_and(|known| known.state == MemberState::Failed)
    }

    /// All that is left without it is a majority that lives, and no smaller cluster than was asked for.
    fn can_be_spared(&self, voter: &Voter) -> bool {
        if !self.autopilot.cleanup_dead_servers {
            return false;
        }
        if !voter.votes {
            return true;
        }
        let remaining = self.voters.iter().filter(|other| other.votes && other.id != voter.id);
        let (alive, count) = remaining.fold((0, 0), |(alive, count), other| {
            (alive + usize::from(other.leader || self.is_alive(other.id)), count + 1)
        });
        alive > count / 2 && alive >= self.wanted()
    }

    fn wanted(&self) -> usize {
        let began = self.servers.iter().map(|known| known.member.bootstrap_expect as usize).max();
        match self.autopilot.min_quorum {
            0 => began.unwrap_or(1).max(1),
            wanted => wanted,
        }
    }
}
