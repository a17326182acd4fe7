use super::{Engine, Life, ROOM};
use crate::gossip::peer::Peer;
use crate::gossip::roster::Members;
use crate::gossip::timers::Due;
use foca::State;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How soon a change shows in the list of members: a storm of changes makes no storm of lists.
const SOON: Duration = Duration::from_millis(100);
const INTERVAL: Duration = Duration::from_secs(1);
/// How often the list is made anew for the sake of those that left long ago.
const FORGETTING_INTERVAL: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn review_soon(&mut self) {
        let at = self.now + SOON;
        if at < self.review_at {
            self.review_at = at;
            self.timers.add(at, Due::Review);
        }
    }

    /// Makes the list anew if what it is made of has changed, and fits foca to how long it is.
    pub(super) fn review(&mut self) {
        let seen = (self.seen(), self.life, self.clock.now().seconds() / FORGETTING_INTERVAL.as_secs());
        if seen != self.reviewed {
            self.reviewed = seen;
            self.list();
            self.fit();
        }
        self.press_suspects();
        self.review_at = self.now + INTERVAL;
        self.timers.add(self.review_at, Due::Review);
    }

    /// When this member begins a new life, foca forgets when to give up those that it suspects, and would suspect them
    /// for ever: whoever is suspected for long is asked itself.
    fn press_suspects(&mut self) {
        let (now, patience) = (self.now, self.tuning.suspicion(self.foca.num_members() + 1) * 2);
        let suspects = self.foca.iter_members().filter(|member| member.state() == State::Suspect);
        let suspects: BTreeMap<_, _> = suspects.map(|one| (one.id().address(), one.id().clone())).collect();
        self.suspected.retain(|address, (peer, _)| suspects.get(address) == Some(peer));
        let mut overdue = Vec::new();
        for (address, peer) in suspects {
            let (_, since) = self.suspected.entry(address).or_insert_with(|| (peer.clone(), now));
            if now.saturating_sub(*since) > patience {
                overdue.push(peer);
            }
        }
        for peer in overdue {
            self.doubt(peer);
        }
    }

    /// A sum of all that the list is made of.
    fn seen(&self) -> u64 {
        let sum = |member: &foca::Member<Peer>| member.id().fingerprint().rotate_left(member.state() as u32);
        let others = self.foca.iter_membership_state().map(sum);
        others.fold(self.foca.identity().fingerprint(), u64::wrapping_add)
    }

    fn list(&mut self) {
        let own = self.own();
        let state = if self.life == Life::Running { State::Alive } else { State::Down };
        let others =
            self.foca.iter_membership_state().filter(|member| member.id().address() != own.address());
        let all = others.map(|member| (member.id(), member.state())).chain([(&own, state)]);
        let members = self.roster.list(all, self.clock.now(), &self.tuning);
        if members != self.members {
            warn_of_conflicts(&self.members, &members);
            self.members = members;
        }
    }

    fn fit(&mut self) {
        let config = self.tuning.foca(self.foca.num_members() + 1, ROOM);
        self.foca(|foca, _| foca.set_config(config));
        let known = self.foca.iter_membership_state().len();
        self.ears.full.store(known >= self.tuning.most_members, Ordering::Relaxed);
    }
}

fn warn_of_conflicts(before: &Members, now: &Members) {
    for conflict in now.conflicts().iter().filter(|conflict| !before.conflicts().contains(conflict)) {
        tracing::warn!(
            name = %conflict.holder.name,
            holder = %conflict.holder.gossip(), holder_id = %conflict.holder.id,
            other = %conflict.other.gossip(), other_id = %conflict.other.id,
            "two members have one name: the first has it; give the other another (node_name)"
        );
    }
}
