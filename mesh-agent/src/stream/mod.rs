//! Wakes whoever waits for a topic: a slot for every watched key, and nothing for what nobody watches.
//!
//! It does not know what a topic means, and it carries no data: a woken reader reads the state again.

mod prefixes;

use prefixes::Prefixes;
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

/// What can be waited for.
pub trait Topical: Eq + Hash + Clone {
    /// It stands for all names that begin like this.
    fn prefix(&self) -> Option<&str> {
        None
    }
    /// The name by which topics of prefixes know it.
    fn name(&self) -> Option<&str> {
        None
    }
}

/// The table of watched topics.
pub struct Publisher<K> {
    slots: Mutex<Slots<K>>,
}

struct Slots<K> {
    exact: HashMap<K, Arc<Slot>>,
    prefixes: Prefixes<Arc<Slot>>,
}

impl<K> Default for Publisher<K> {
    fn default() -> Self {
        Self { slots: Mutex::new(Slots { exact: HashMap::new(), prefixes: Prefixes::default() }) }
    }
}

impl<K: Topical> Slots<K> {
    fn slot(&mut self, topic: &K) -> Arc<Slot> {
        match topic.prefix() {
            Some(prefix) => self.prefixes.entry(prefix).clone(),
            None => self.exact.entry(topic.clone()).or_default().clone(),
        }
    }

    fn remove(&mut self, topic: &K) {
        match topic.prefix() {
            Some(prefix) => self.prefixes.remove(prefix),
            None => drop(self.exact.remove(topic)),
        }
    }

    /// Who waits for the topic itself, or for a prefix of its name.
    fn concerned<'a>(&'a self, topic: &'a K) -> impl Iterator<Item = &'a Arc<Slot>> {
        let below = topic.name().into_iter().flat_map(|name| self.prefixes.of(name));
        self.exact.get(topic).into_iter().chain(below)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.exact.values().chain(self.prefixes.values())
    }

    fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }
}

impl Slot {
    fn ring(&self, index: u64) {
        if self.index.fetch_max(index, Ordering::AcqRel) < index {
            self.bell.notify_waiters();
        }
    }
}

impl<K: Topical> Publisher<K> {
    fn table(&self) -> MutexGuard<'_, Slots<K>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Register first, then read the state, then wait: in this order no write goes unnoticed.
    pub fn watch(self: &Arc<Self>, topics: &[K]) -> Watch<K> {
        let mut table = self.table();
        let slots = topics.iter().map(|topic| (topic.clone(), table.slot(topic))).collect();
        Watch { slots, owner: self.clone() }
    }

    /// Call after the state of `index` is visible to readers.
    pub fn publish<'a>(&self, topics: impl IntoIterator<Item = &'a K>, index: u64)
    where
        K: 'a,
    {
        let table = self.table();
        if table.len() == 0 {
            return;
        }
        for topic in topics {
            table.concerned(topic).for_each(|slot| slot.ring(index));
        }
    }

    /// Wake everybody: the whole state was replaced.
    pub fn publish_all(&self, index: u64) {
        for slot in self.table().all() {
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
pub struct Watch<K: Topical> {
    slots: Vec<(K, Arc<Slot>)>,
    owner: Arc<Publisher<K>>,
}

impl<K: Topical> Watch<K> {
    /// The highest index that was published for any of the topics while somebody watched it: whoever reads the state
    /// after this sees as much. It may be above the topics' own, where one change brought several indexes or all was
    /// replaced.
    pub fn newest(&self) -> u64 {
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

impl<K: Topical> Drop for Watch<K> {
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

    /// `p*` waits for all names that begin with `p`.
    impl Topical for &str {
        fn prefix(&self) -> Option<&str> {
            self.strip_suffix('*')
        }
        fn name(&self) -> Option<&str> {
            Some(self)
        }
    }
    impl Topical for u32 {}

    #[tokio::test(start_paused = true)]
    async fn a_prefix_wakes_for_what_begins_with_it_and_for_nothing_else() {
        let p = Arc::new(Publisher::<&str>::default());
        let (watch, all) = (p.watch(&["app/*"]), p.watch(&["*"]));
        p.publish([&"apple"], 5);
        assert!(tokio::time::timeout(Duration::from_secs(1), watch.changed(1)).await.is_err());
        assert_eq!(all.changed(1).await, 5);
        p.publish([&"app/db/port"], 6);
        assert_eq!(watch.changed(1).await, 6);
        drop((watch, all));
        assert_eq!(p.watched(), 0);
    }

    #[test]
    fn ten_thousand_watchers_of_other_names_are_not_touched() {
        let p = Arc::new(Publisher::<&'static str>::default());
        let names: Vec<&'static str> = (0..10_000).map(|n| &*format!("other/{n}/*").leak()).collect();
        let watches: Vec<_> = names.iter().map(|name| p.watch(&[*name])).collect();
        p.publish([&"mine/a"], 7);
        assert!(watches.iter().all(|watch| watch.newest() == 0));
        p.publish([&"other/77/a"], 8);
        assert_eq!(watches.iter().filter(|watch| watch.newest() == 8).count(), 1);
    }

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
