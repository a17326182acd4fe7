use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use tokio::time::Instant;

/// When what is over. It looks at no clock.
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    of: HashMap<K, Instant>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), of: HashMap::new() }
    }
}

impl<K: Ord + Hash + Clone> Deadlines<K> {
    pub(super) fn set(&mut self, key: K, at: Instant) {
        self.remove(&key);
        self.by_time.insert((at, key.clone()));
        self.of.insert(key, at);
    }

    /// Unless it has one already.
    pub(super) fn start(&mut self, key: K, at: Instant) {
        if !self.of.contains_key(&key) {
            self.set(key, at);
        }
    }

    fn remove(&mut self, key: &K) {
        if let Some(at) = self.of.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.of.keys().filter(|key| !keep(key)).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// All that are over by now, the oldest first.
    pub(super) fn take_over(&mut self, now: Instant) -> Vec<K> {
        let mut over = Vec::new();
        while let Some((at, _)) = self.by_time.first()
            && *at <= now
        {
            let Some((_, key)) = self.by_time.pop_first() else { break };
            self.of.remove(&key);
            over.push(key);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn deadlines_come_in_order_and_the_last_word_counts() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::default();
        deadlines.set("renewed", at(1));
        deadlines.set("late", at(3));
        deadlines.set("early", at(2));
        deadlines.set("gone", at(1));
        deadlines.set("renewed", at(9));
        deadlines.start("early", at(100));
        deadlines.retain(|key| *key != "gone");
        assert_eq!(deadlines.next(), Some(at(2)));
        assert!(deadlines.take_over(at(1)).is_empty());
        assert_eq!(deadlines.take_over(at(3)), ["early", "late"]);
        assert_eq!(deadlines.next(), Some(at(9)));
    }
}
