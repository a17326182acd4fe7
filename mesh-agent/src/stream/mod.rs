//! Wakes whoever waits for a topic: a slot for every watched key, and nothing for what nobody watches.
//!
//! It does not know what a topic means, and it carries no data: a woken reader reads the state again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Default)]
struct Slot {
    index: AtomicU64,
    bell: Notify,
}

/// The table of watched topics.
pub struct Publisher<K> {
    slots: Mutex<HashMap<K, Arc<Slot>>>,
}

impl<K> Default for Publisher<K> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Publisher<K> {
    fn table(&self) -> MutexGuard<'_, HashMap<K, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Register first, then read the state, then wait: in this order no write goes unnoticed.
    pub fn watch(self: &Arc<Self>, topics: &[K]) -> Watch<K> {
        let mut table = self.table();
        let slots = topics.iter().map(|t| (t.clone(), table.entry(t.clone()).or_default().clone())).collect();
        Watch { slots, owner: self.clone() }
    }

    /// Call after the state of `index` is visible to readers.
    pub fn publish<'a>(&self, topics: impl IntoIterator<Item = &'a K>, index: u64)
    where
        K: 'a,
    {
        let table = self.table();
        if table.is_empty() {
            return;
        }
        for slot in topics.into_iter().filter_map(|t| table.get(t)) {
            if slot.index.fetch_max(index, Ordering::AcqRel) < index {
                slot.bell.notify_waiters();
            }
        }
    }

    /// Wake everybody: the whole state was replaced.
    pub fn publish_all(&self, index: u64) {
        for slot in self.table().values() {
            slot.index.fetch_max(index, Ordering::AcqRel);
            slot.bell.notify_waiters();
        }
    }

    /// How many topics somebody watches.
    pub fn watched(&self) -> usize {
        self.table().len()
    }
}

/// A registration for some topics; dropping it ends it.
pub struct Watch<K: Eq + Hash + Clone> {
    slots: Vec<(K, Arc<Slot>)>,
    owner: Arc<Publisher<K>>,
}

impl<K: Eq + Hash + Clone> Watch<K> {
    fn newest(&self) -> u64 {
        self.slots.iter().map(|(_, s)| s.index.load(Ordering::Acquire)).max().unwrap_or(0)
    }

    /// Waits until any of the topics was published with an index above `seen`, and returns that index.
    /// Whoever goes on waiting hands it in again: a restored snapshot publishes a higher index than the
    /// topics themselves may have.
    pub async fn changed(&self, seen: u64) -> u64 {
        loop {
            let mut bells: Vec<_> = self.slots.iter().map(|(_, s)| Box::pin(s.bell.notified())).collect();
            for bell in &mut bells {
                bell.as_mut().enable();
            }
            let newest = self.newest();
            if newest > seen {
                return newest;
            }
            if bells.is_empty() {
                std::future::pending::<()>().await;
            }
            futures_util::future::select_all(bells).await;
        }
    }
}

impl<K: Eq + Hash + Clone> Drop for Watch<K> {
    fn drop(&mut self) {
        let mut table = self.owner.table();
        for (topic, slot) in self.slots.drain(..) {
            // Ours and the table's: nobody else waits.
            if Arc::strong_count(&slot) <= 2 {
                table.remove(&topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_watch_wakes_for_its_topics_only() {
        let p = Arc::new(Publisher::<&str>::default());
        let watch = p.watch(&["a", "b"]);
        p.publish([&"c"], 5);
        assert!(tokio::time::timeout(Duration::from_secs(1), watch.changed(1)).await.is_err());
        p.publish([&"b"], 6);
        watch.changed(5).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_publication_between_registering_and_waiting_is_not_lost() {
        let p = Arc::new(Publisher::<&str>::default());
        let watch = p.watch(&["a"]);
        p.publish([&"a"], 7);
        watch.changed(6).await;
        assert!(tokio::time::timeout(Duration::from_secs(1), watch.changed(7)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_restored_state_wakes_once_though_its_topics_are_older() {
        let p = Arc::new(Publisher::<&str>::default());
        let watch = p.watch(&["a"]);
        p.publish_all(100);
        let seen = watch.changed(5).await;
        assert_eq!(seen, 100);
        assert!(tokio::time::timeout(Duration::from_secs(1), watch.changed(seen)).await.is_err());
    }

    #[test]
    fn a_dropped_watch_leaves_nothing_behind() {
        let p = Arc::new(Publisher::<u32>::default());
        let (one, two) = (p.watch(&[1, 2]), p.watch(&[2]));
        drop(one);
        assert_eq!(p.watched(), 1);
        drop(two);
        assert_eq!(p.watched(), 0);
    }
}
