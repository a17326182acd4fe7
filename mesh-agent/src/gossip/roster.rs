use super::Member;
use super::member::Intent;
use super::peer::Peer;
use super::tuning::Tuning;
use crate::clock::Timestamp;
use foca::State;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// How a member is, as far as this agent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    Alive,
    /// It has not answered, and may still say that it lives.
    Suspect,
    /// It said that it leaves.
    Leaving,
    Failed,
    Left,
}

impl MemberState {
    /// It counts as being there.
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }

    /// As Consul's members have it; suspicion is not shown.
    pub fn status(self) -> u8 {
        match self {
            Self::Alive | Self::Suspect => 1,
            Self::Leaving => 2,
            Self::Left => 3,
            Self::Failed => 4,
        }
    }

    /// As `members` of the command line shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alive | Self::Suspect => "alive",
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }

    fn of(state: State, intent: Intent) -> Self {
        match (state, intent) {
            (State::Down, Intent::Stay) => Self::Failed,
            (State::Down, _) => Self::Left,
            (_, Intent::Leave | Intent::Prune) => Self::Leaving,
            (State::Alive, Intent::Stay) => Self::Alive,
            (State::Suspect, Intent::Stay) => Self::Suspect,
        }
    }
}

/// A member and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub member: Member,
    pub state: MemberState,
    /// When it came to be so; being suspected is no change.
    pub since: Timestamp,
}

/// Everybody that an agent knows of, by name without regard to case, itself included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    by_name: BTreeMap<Arc<str>, Arc<Known>>,
    conflicts: Vec<Conflict>,
}

/// Two that live and have one name: the one that was there first has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub holder: Member,
    pub other: Member,
}

impl Members {
    pub fn get(&self, name: &str) -> Option<&Arc<Known>> {
        self.by_name.get(name.to_ascii_lowercase().as_str())
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.by_name.values()
    }

    pub fn alive(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.iter().filter(|known| known.state.is_alive())
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

impl FromIterator<Known> for Members {
    fn from_iter<I: IntoIterator<Item = Known>>(all: I) -> Self {
        let named = |known: Known| (known.member.name.folded(), Arc::new(known));
        Self { by_name: all.into_iter().map(named).collect(), conflicts: Vec::new() }
    }
}

/// Remembers since when each member is as it is, and makes the list that is shown.
#[derive(Debug, Default)]
pub(super) struct Roster {
    since: BTreeMap<SocketAddr, (MemberState, u64, Timestamp)>,
}

impl Roster {
    /// What is shown of all that foca knows.
    pub fn list<'p>(
        &mut self,
        peers: impl Iterator<Item = (&'p Peer, State)>,
        now: Timestamp,
        tuning: &Tuning,
    ) -> Members {
        let entries: Vec<Entry<'p>> = peers.map(|(peer, state)| self.entry(peer, state, now)).collect();
        self.since = entries.iter().map(|entry| (entry.peer.address(), entry.remembered())).collect();
        let mut named: BTreeMap<Arc<str>, Vec<&Entry<'_>>> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.is_shown(now, tuning)) {
            named.entry(entry.peer.member().name.folded()).or_default().push(entry);
        }
        let mut members = Members::default();
        for (name, mut entries) in named {
            entries.sort_by_key(|entry| entry.claim());
            members.conflicts.extend(conflicts(&entries));
            members.by_name.insert(name, Arc::new(entries[0].known()));
        }
        members
    }

    fn entry<'p>(&self, peer: &'p Peer, state: State, now: Timestamp) -> Entry<'p> {
        let state = MemberState::of(state, peer.intent());
        let born = peer.generation().born;
        let before = self.since.get(&peer.address());
        let same = before.filter(|(was, life, _)| *life == born && is_same(*was, state));
        Entry { peer, state, since: same.map_or(now, |(_, _, since)| *since) }
    }
}

fn is_same(was: MemberState, is: MemberState) -> bool {
    was == is || (was.is_alive() && is.is_alive())
}

struct Entry<'p> {
    peer: &'p Peer,
    state: MemberState,
    since: Timestamp,
}

impl Entry<'_> {
    fn remembered(&self) -> (MemberState, u64, Timestamp) {
        (self.state, self.peer.generation().born, self.since)
    }

    fn is_shown(&self, now: Timestamp, tuning: &Tuning) -> bool {
        let gone = u128::from(now.millis().saturating_sub(self.since.millis()));
        match self.state {
            MemberState::Left => {
                self.peer.intent() != Intent::Prune && gone < tuning.tombstone_timeout.as_millis()
            }
            _ => true,
        }
    }

    /// Who lives comes before who does not; of several that live, the oldest, and of the others the latest.
    fn claim(&self) -> (MemberState, u64, SocketAddr) {
        let born = self.peer.generation().born;
        let (state, age) = match self.state {
            state if state.is_alive() => (MemberState::Alive, born),
            state => (state, u64::MAX - born),
        };
        (state, age, self.peer.address())
    }

    fn known(&self) -> Known {
        Known { member: self.peer.member().clone(), state: self.state, since: self.since }
    }
}

fn conflicts(entries: &[&Entry<'_>]) -> Vec<Conflict> {
    let holder = entries[0].peer.member();
    let others = entries.iter().skip(1).filter(|entry| entry.state.is_alive());
    others.map(|entry| Conflict { holder: holder.clone(), other: entry.peer.member().clone() }).collect()
}
