use crate::model::CheckId;
use std::collections::{BTreeSet, HashMap};
use tokio::time::Instant;

/// When outputs that changed alone are to be written. A status is written at once; an output may change
/// with every probe, and all servers would have to store it.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    due: HashMap<CheckId, Instant>,
}

impl Deferred {
    pub fn is_due(&self, check: &CheckId, now: Instant) -> bool {
        self.due.get(check).is_some_and(|at| *at <= now)
    }

    /// Takes note of the outputs that differ and are not written yet; `at` chooses the time for a new one.
    pub fn observe(&mut self, differing: &BTreeSet<CheckId>, mut at: impl FnMut() -> Instant) {
        self.due.retain(|check, _| differing.contains(check));
        for check in differing {
            self.due.entry(check.clone()).or_insert_with(&mut at);
        }
    }

    /// When the first is due.
    pub fn next(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_output_is_due_once_its_time_has_come_and_forgotten_once_it_is_written() {
        let check = CheckId::new("c").unwrap();
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(10));
        let mut deferred = Deferred::default();
        let differing = BTreeSet::from([check.clone()]);
        deferred.observe(&differing, || later);
        // Seen again: the first time stands, else an output that always changes would never be written.
        deferred.observe(&differing, || later + Duration::from_secs(60));
        assert_eq!(deferred.next(), Some(later));
        assert!(!deferred.is_due(&check, now));
        assert!(deferred.is_due(&check, later));
        deferred.observe(&BTreeSet::new(), || later);
        assert!(!deferred.is_due(&check, later) && deferred.next().is_none());
    }
}
