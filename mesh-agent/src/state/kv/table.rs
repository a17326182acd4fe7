use crate::model::{Key, KvEntry, SessionId};
use crate::state::pairs::Pairs;
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

/// How many deleted keys are remembered one by one.
const TOMBSTONES: usize = 16_384;

/// Stored values, and what keeps the index of every key and prefix from going back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::state) struct KvTable {
    entries: OrdMap<Key, Arc<KvEntry>>,
    /// When a key was deleted that does not exist now.
    tombstones: OrdMap<Key, u64>,
    /// The newest tombstone that is remembered no more. It stands for all of them.
    forgotten: u64,
    /// When everything was last replaced by another state: no entry is older.
    #[serde(default)]
    floor: u64,
    /// The last change to any key.
    newest: u64,
    /// Keys that nobody may lock for a while.
    lock_delays: OrdMap<Key, LockDelay>,
    /// Tombstones, the oldest first.
    #[serde(skip)]
    by_age: OrdSet<(u64, Key)>,
    #[serde(skip)]
    locked_by: Pairs<SessionId, Key>,
}

/// How long nobody may lock a key whose holder was lost. The leader ends it when the time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDelay {
    /// The write that took the lock away.
    pub since: u64,
    pub lasts: Duration,
}

fn from(prefix: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Included(prefix), Bound::Unbounded)
}

impl KvTable {
    /// With what follows from the rows, after they were decoded.
    pub(in crate::state) fn restored(mut self) -> Self {
        self.by_age = self.tombstones.iter().map(|(key, index)| (*index, key.clone())).collect();
        self.locked_by = Pairs::default();
        for entry in self.entries.values() {
            if let Some(session) = entry.session {
                self.locked_by.insert(session, entry.key.clone());
            }
        }
        self
    }

    /// As the table that replaces another one at `index`: no reader sees an older one.
    pub(in crate::state) fn since(self, index: u64) -> Self {
        Self { floor: index, forgotten: index, newest: index, ..self }
    }

    pub(in crate::state) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.keys()
    }

    pub(in crate::state) fn get(&self, key: &str) -> Option<&Arc<KvEntry>> {
        self.entries.get(key)
    }

    /// All entries whose keys begin with `prefix`, in order.
    pub(in crate::state) fn below<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a Arc<KvEntry>> {
        let entries = self.entries.range::<_, str>(from(prefix));
        entries.take_while(move |(key, _)| key.starts_with(prefix)).map(|(_, entry)| entry)
    }

    pub(in crate::state) fn locked_by(&self, session: SessionId) -> Vec<Key> {
        self.locked_by.of(session).cloned().collect()
    }

    /// When this key was last written or deleted, or later.
    pub(in crate::state) fn index_of(&self, key: &str) -> u64 {
        match self.entries.get(key) {
            Some(entry) => entry.index.modify.max(self.floor),
            None => self.tombstones.get(key).copied().unwrap_or(0).max(self.forgotten),
        }
    }

    /// When any key that begins with `prefix` was last written or deleted, or later.
    pub(in crate::state) fn index_below(&self, prefix: &str) -> u64 {
        if prefix.is_empty() {
            return self.newest;
        }
        let written = self.below(prefix).map(|entry| entry.index.modify).max();
        let deleted = self.tombstones.range::<_, str>(from(prefix));
        let deleted = deleted.take_while(|(key, _)| key.starts_with(prefix)).map(|(_, index)| *index).max();
        written.max(deleted).unwrap_or(0).max(self.forgotten)
    }

    pub(in crate::state) fn put(&mut self, entry: KvEntry) {
        let key = entry.key.clone();
        self.newest = entry.index.modify;
        if let Some(index) = self.tombstones.remove(&key) {
            self.by_age.remove(&(index, key.clone()));
        }
        if let Some(session) = entry.session {
            self.locked_by.insert(session, key.clone());
        }
        let old = self.entries.insert(key.clone(), Arc::new(entry));
        let holder = old.and_then(|old| old.session);
        if let Some(holder) = holder.filter(|holder| self.entries[&key].session != Some(*holder)) {
            self.locked_by.remove(holder, key);
        }
    }

    pub(in crate::state) fn remove(&mut self, key: &str, index: u64) -> Option<Arc<KvEntry>> {
        let removed = self.entries.remove(key)?;
        if let Some(session) = removed.session {
            self.locked_by.remove(session, removed.key.clone());
        }
        self.newest = index;
        self.bury(removed.key.clone(), index);
        Some(removed)
    }

    /// The oldest tombstones make room: what they said is then said of all keys.
    fn bury(&mut self, key: Key, index: u64) {
        self.tombstones.insert(key.clone(), index);
        self.by_age.insert((index, key));
        while self.by_age.len() > TOMBSTONES {
            let Some((index, key)) = self.by_age.remove_min() else { return };
            self.tombstones.remove(&key);
            self.forgotten = self.forgotten.max(index);
        }
    }

    pub(in crate::state) fn lock_delays(&self) -> &OrdMap<Key, LockDelay> {
        &self.lock_delays
    }

    pub(in crate::state) fn delay_lock(&mut self, key: Key, delay: LockDelay) {
        self.lock_delays.insert(key, delay);
    }

    /// Unless another delay has begun meanwhile.
    pub(in crate::state) fn end_lock_delay(&mut self, key: &str, since: u64) -> bool {
        let is_it = self.lock_delays.get(key).is_some_and(|delay| delay.since == since);
        is_it && self.lock_delays.remove(key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KvValue, RaftIndex};

    fn entry(key: &str, index: u64) -> KvEntry {
        let index = RaftIndex { create: index, modify: index };
        let (value, flags) = (KvValue::default(), 0);
        KvEntry { key: key.into(), value, flags, lock_index: 0, session: None, index }
    }

    #[test]
    fn tombstones_are_bounded_and_no_index_goes_back_when_they_are_forgotten() {
        let mut table = KvTable::default();
        table.put(entry("kept/a", 1));
        let many = TOMBSTONES as u64 + 10;
        for index in 2..many + 2 {
            let key = format!("gone/{index}");
            table.put(entry(&key, index));
            table.remove(&key, index);
        }
        assert_eq!(table.tombstones.len(), TOMBSTONES);
        assert_eq!(table.by_age.len(), TOMBSTONES);
        assert_eq!(table.forgotten, 11);
        assert_eq!(table.index_of("gone/2"), 11, "as old as the newest that is forgotten");
        assert_eq!(table.index_of("kept/a"), 1, "an entry knows its own");
        assert_eq!(table.index_below("gone/"), many + 1);
        assert_eq!(table.index_below("never/"), 11);
    }
}
