use super::Voter;
use crate::clock::Timestamp;
use crate::gossip::{Known, MemberState, Members};
use crate::model::AutopilotConfig;
use std::net::SocketAddr;

/// One change of who votes: they are made one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VoterChange {
    /// Takes a server in without a vote, or notes its new address.
    Add(u64, SocketAddr),
    Promote(u64),
    Remove(u64),
}

/// What is due, the most urgent first. One of it is done at a time, and those after it only where it fails.
pub(super) fn plan(
    members: &Members,
    voters: &[Voter],
    autopilot: &AutopilotConfig,
    now: Timestamp,
) -> Vec<VoterChange> {
    let servers: Vec<&Known> = members.iter().map(|known| &**known).filter(|k| is_server(k)).collect();
    let scene = Scene { servers, voters, autopilot, now };
    scene.promotions().chain(scene.arrivals()).chain(scene.departure()).collect()
}

fn is_server(known: &Known) -> bool {
    known.member.is_server() && known.member.raft_id != 0
}

struct Scene<'a> {
    servers: Vec<&'a Known>,
    voters: &'a [Voter],
    autopilot: &'a AutopilotConfig,
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
    fn arrivals(&self) -> impl Iterator<Item = VoterChange> {
        // One that began alone has a cluster of its own: two clusters do not become one.
        let comes = |known: &&&Known| known.state.is_alive() && known.member.bootstrap_expect != 1;
        let alive = self.servers.iter().filter(comes);
        alive.filter_map(|known| {
            let (id, address) = (known.member.raft_id, known.member.rpc());
            let voter = self.voters.iter().find(|voter| voter.id == id);
            let as_known = voter.is_some_and(|voter| voter.leader || voter.address == address.to_string());
            (!as_known).then_some(VoterChange::Add(id, address))
        })
    }

    /// One that is alive for long enough and has caught up.
    fn promotions(&self) -> impl Iterator<Item = VoterChange> {
        let leader = self.voters.iter().find(|voter| voter.leader);
        let reached = move |voter: &Voter| {
            let behind = leader?.matched.unwrap_or(0).saturating_sub(voter.matched?);
            Some(behind <= self.autopilot.max_trailing_logs)
        };
        let ready =
            move |voter: &&Voter| !voter.votes && self.is_stable(voter.id) && reached(voter).unwrap_or(false);
        self.voters.iter().filter(ready).map(|voter| VoterChange::Promote(voter.id))
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
        let dead = || others().find(|voter| self.is_dead(voter) && self.can_be_spared(voter));
        left.or_else(dead).map(|voter| VoterChange::Remove(voter.id))
    }

    fn has_left(&self, id: u64) -> bool {
        self.server(id).is_some_and(|known| known.state == MemberState::Left)
    }

    /// It failed, or another lives in its place: a server that lost its disk comes back with another id.
    fn is_dead(&self, voter: &Voter) -> bool {
        let elsewhere = |known: &&&Known| {
            known.state.is_alive()
                && known.member.raft_id != voter.id
                && known.member.rpc().to_string() == voter.address
        };
        match self.server(voter.id) {
            Some(known) => known.state == MemberState::Failed,
            None => self.servers.iter().any(|known| elsewhere(&known)),
        }
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
            wanted => wanted as usize,
        }
    }
}
