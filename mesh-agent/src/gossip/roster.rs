use super::Member;
use super::member::Intent;
use super::peer::Peer;
use super::tuning::Tuning;
use crate::clock::Timestamp;
use foca::State;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// Keeps the list that is shown, and since when each member is as it is. A change costs what has changed, and a look at
/// each member: in a large cluster news come by the second.
#[derive(Debug, Default)]
pub(super) struct Roster {
    entries: HashMap<SocketAddr, Entry>,
    members: Arc<Members>,
    /// Counts how often the list was asked for.
    round: u64,
}

/// The names of members of which something else is to be shown, in lower case.
type Changed = BTreeSet<Arc<str>>;

impl Roster {
    /// What is shown of all that foca knows. The same list until it changes.
    pub fn list<'p>(
        &mut self,
        peers: impl Iterator<Item = (&'p Peer, State)>,
        now: Timestamp,
        tuning: &Tuning,
    ) -> Arc<Members> {
        self.round += 1;
        let mut changed = Changed::new();
        for (peer, state) in peers {
            self.note(peer, MemberState::of(state, peer.intent()), now, &mut changed);
        }
        self.entries.retain(|_, entry| {
            let there = entry.round == self.round;
            let shown = there && entry.is_shown(now, tuning);
            if shown != std::mem::replace(&mut entry.shown, shown) {
                changed.insert(entry.name.clone());
            }
            there
        });
        self.update(&changed);
        self.members.clone()
    }

    fn note(&mut self, peer: &Peer, state: MemberState, now: Timestamp, changed: &mut Changed) {
        let before = self.entries.get_mut(&peer.address());
        let since = match before {
            Some(entry) if entry.is(peer, state) => return entry.round = self.round,
            Some(entry) => {
                changed.insert(entry.name.clone());
                entry.since(peer, state).unwrap_or(now)
            }
            None => now,
        };
        let known = Arc::new(Known { member: peer.member().clone(), state, since });
        let (name, round) = (known.member.name.folded(), self.round);
        changed.insert(name.clone());
        self.entries.insert(peer.address(), Entry { peer: peer.clone(), name, known, shown: false, round });
    }

    fn update(&mut self, changed: &Changed) {
        if changed.is_empty() {
            return;
        }
        let mut named: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| entry.shown && changed.contains(&entry.name)) {
            named.entry(&entry.name).or_default().push(entry);
        }
        let mut members = Members::clone(&self.members);
        members.conflicts.retain(|conflict| !changed.contains(&conflict.holder.name.folded()));
        for name in changed {
            let Some(entries) = named.get_mut(&**name) else {
                members.by_name.remove(name);
                continue;
            };
            entries.sort_by_key(|entry| entry.claim());
            members.conflicts.extend(conflicts(entries));
            members.by_name.insert(name.clone(), entries[0].known.clone());
        }
        if members != *self.members {
            self.members = Arc::new(members);
        }
    }
}

fn is_same(was: MemberState, is: MemberState) -> bool {
    was == is || (was.is_alive() && is.is_alive())
}

/// What is known of an address.
#[derive(Debug)]
struct Entry {
    peer: Peer,
    /// In lower case.
    name: Arc<str>,
    known: Arc<Known>,
    shown: bool,
    /// When foca had it last.
    round: u64,
}

impl Entry {
    fn is(&self, peer: &Peer, state: MemberState) -> bool {
        self.known.state == state && self.peer == *peer
    }

    /// Since when a peer that is so now has been so.
    fn since(&self, peer: &Peer, state: MemberState) -> Option<Timestamp> {
        let same = self.peer.generation().born == peer.generation().born && is_same(self.known.state, state);
        same.then_some(self.known.since)
    }

    fn is_shown(&self, now: Timestamp, tuning: &Tuning) -> bool {
        let gone = u128::from(now.millis().saturating_sub(self.known.since.millis()));
        match self.known.state {
            MemberState::Left => {
                self.peer.intent() != Intent::Prune && gone < tuning.tombstone_timeout.as_millis()
            }
            _ => true,
        }
    }

    /// Who lives comes before who does not; of several that live, the oldest, and of the others the latest.
    fn claim(&self) -> (MemberState, u64, SocketAddr) {
        let born = self.peer.generation().born;
        let (state, age) = match self.known.state {
            state if state.is_alive() => (MemberState::Alive, born),
            state => (state, u64::MAX - born),
        };
        (state, age, self.peer.address())
    }
}

fn conflicts(entries: &[&Entry]) -> Vec<Conflict> {
    let holder = entries[0].peer.member();
    let others = entries.iter().skip(1).filter(|entry| entry.known.state.is_alive());
    others.map(|entry| Conflict { holder: holder.clone(), other: entry.peer.member().clone() }).collect()
}
