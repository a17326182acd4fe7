use super::{Engine, Life};
use crate::gossip::GossipError;
use crate::gossip::member::Intent;
use crate::gossip::timers::Due;
use foca::Member;
use std::time::Duration;

const AGAIN: Duration = Duration::from_millis(100);
/// Farewells after which it is gone, heard or not.
const MOST: u32 = 20;

impl Engine {
    /// Tells the others that it goes, so that nobody takes it for a failure.
    pub fn leave(&mut self, now: Duration) {
        self.now = now;
        if self.life != Life::Running {
            return;
        }
        self.life = Life::Leaving;
        let leaving = self.own().meaning(Intent::Leave);
        self.foca(|foca, outcome| foca.change_identity(leaving, outcome));
        self.foca(|foca, outcome| foca.leave_cluster(outcome));
        self.farewell(0);
    }

    /// The news is sent as often as foca thinks it has to be.
    pub(super) fn farewell(&mut self, count: u32) {
        self.foca(|foca, outcome| foca.gossip(outcome));
        let alone = self.foca.num_members() == 0;
        if alone || self.foca.updates_backlog() == 0 || count >= MOST {
            self.life = Life::Left;
            self.review();
        } else {
            self.timers.add(self.now + AGAIN, Due::Farewell(count + 1));
        }
    }

    /// Says of another that it left. If it lives, it contradicts.
    pub fn force_leave(&mut self, now: Duration, name: &str, prune: bool) -> Result<(), GossipError> {
        self.now = now;
        let named = self.foca.iter_membership_state().filter(|member| {
            member.id().member().name.as_str().eq_ignore_ascii_case(name)
                && member.id().address() != self.foca.identity().address()
        });
        // Of several lives the failed ones are meant.
        let meant = named.max_by_key(|member| member.state() == foca::State::Down);
        let peer = meant.map(|member| member.id().clone());
        let peer = peer.ok_or_else(|| GossipError::NoSuchMember { name: name.to_owned() })?;
        let intent = if prune { Intent::Prune } else { Intent::Leave };
        if peer.intent() < intent {
            self.apply(Member::down(peer.meaning(intent)), true);
        }
        Ok(())
    }
}
