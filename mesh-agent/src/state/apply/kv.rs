use super::Write;
use crate::model::{Key, KvEntry, KvValue, SessionId};
use crate::state::{KvVerb, KvWrite, LockDelay, Refusal, Topic};
use std::sync::Arc;
use std::time::Duration;

impl Write<'_> {
    /// What is written, if it is one entry.
    pub(super) fn kv(&mut self, write: KvWrite) -> Result<Option<Arc<KvEntry>>, Refusal> {
        let key = write.key;
        match write.verb {
            KvVerb::Set { value, flags } => Ok(Some(self.set_key(key, value, flags))),
            KvVerb::Cas { value, flags, index } => {
                self.check_cas(&key, index)?;
                Ok(Some(self.set_key(key, value, flags)))
            }
            KvVerb::Lock { value, flags, session } => self.lock(key, value, flags, session).map(Some),
            KvVerb::Unlock { value, flags, session } => self.unlock(key, value, flags, session).map(Some),
            KvVerb::Delete => {
                self.delete_key(&key);
                Ok(None)
            }
            KvVerb::DeleteCas { index } => self.delete_cas(&key, index).map(|()| None),
            KvVerb::DeleteTree => {
                self.delete_tree(&key);
                Ok(None)
            }
        }
    }

    fn found(&self, key: &Key) -> Option<Arc<KvEntry>> {
        self.state.kv.get(key).cloned()
    }

    /// Whoever holds the lock goes on holding it.
    fn set_key(&mut self, key: Key, value: KvValue, flags: u64) -> Arc<KvEntry> {
        let old = self.found(&key);
        let (lock_index, session) = old.as_ref().map_or((0, None), |old| (old.lock_index, old.session));
        self.put_key(old, KvEntry { key, value, flags, lock_index, session, index: Default::default() })
    }

    /// An entry that is as it was keeps its index, and wakes nobody.
    fn put_key(&mut self, old: Option<Arc<KvEntry>>, mut entry: KvEntry) -> Arc<KvEntry> {
        if let Some(old) = &old {
            entry.index = old.index;
            if **old == entry {
                return old.clone();
            }
        }
        entry.index = self.stamp(old.map(|old| old.index));
        let key = entry.key.clone();
        self.ring(Topic::Key(key));
        self.state.kv.put(entry.clone());
        Arc::new(entry)
    }

    fn check_cas(&self, key: &Key, expected: u64) -> Result<(), Refusal> {
        let found = self.state.kv.get(key).map_or(0, |entry| entry.index.modify);
        if found == expected { Ok(()) } else { Err(Refusal::KeySetStale { key: key.to_string() }) }
    }

    fn lock(
        &mut self,
        key: Key,
        value: KvValue,
        flags: u64,
        session: SessionId,
    ) -> Result<Arc<KvEntry>, Refusal> {
        self.check_session(session)?;
        if self.state.kv.lock_delays().contains_key(&key) {
            return Err(Refusal::LockDelayed { key: key.to_string() });
        }
        let old = self.found(&key);
        let lock_index = match old.as_ref().map(|old| (old.session, old.lock_index)) {
            Some((Some(holder), _)) if holder != session => {
                return Err(Refusal::LockHeld { key: key.to_string() });
            }
            Some((Some(_), index)) => index,
            Some((None, index)) => index + 1,
            None => 1,
        };
        let (session, index) = (Some(session), Default::default());
        Ok(self.put_key(old, KvEntry { key, value, flags, lock_index, session, index }))
    }

    fn unlock(
        &mut self,
        key: Key,
        value: KvValue,
        flags: u64,
        session: SessionId,
    ) -> Result<Arc<KvEntry>, Refusal> {
        let held = self.found(&key).filter(|old| old.session == Some(session));
        let Some(old) = held else { return Err(Refusal::LockNotHeld { key: key.to_string() }) };
        let (lock_index, index) = (old.lock_index, Default::default());
        let entry = KvEntry { key, value, flags, lock_index, session: None, index };
        Ok(self.put_key(Some(old), entry))
    }

    fn check_session(&self, id: SessionId) -> Result<(), Refusal> {
        self.state.sessions.get(id).map(drop).ok_or_else(|| Refusal::NoSuchSession { id: id.to_string() })
    }

    fn delete_key(&mut self, key: &Key) {
        if self.state.kv.remove(key, self.index).is_some() {
            self.ring(Topic::Key(key.clone()));
        }
    }

    /// What is not there is deleted already.
    fn delete_cas(&mut self, key: &Key, expected: u64) -> Result<(), Refusal> {
        match self.state.kv.get(key) {
            Some(entry) if entry.index.modify != expected => {
                Err(Refusal::KeyDeleteStale { key: key.to_string() })
            }
            _ => {
                self.delete_key(key);
                Ok(())
            }
        }
    }

    fn delete_tree(&mut self, prefix: &Key) {
        let keys: Vec<Key> = self.state.kv.below(prefix).map(|entry| entry.key.clone()).collect();
        keys.iter().for_each(|key| self.delete_key(key));
    }

    /// After the session that holds the lock is gone.
    pub(super) fn lose_lock(&mut self, key: &Key, delete: bool, delay: Duration) {
        let Some(old) = self.found(key) else { return };
        if delete {
            self.delete_key(key);
        } else {
            let entry = KvEntry { session: None, ..KvEntry::clone(&old) };
            self.put_key(Some(old), entry);
        }
        if !delay.is_zero() {
            let delay = LockDelay { since: self.index, lasts: delay };
            self.state.kv.delay_lock(key.clone(), delay);
            self.touch(Topic::LockDelays);
        }
    }

    pub(super) fn end_lock_delays(&mut self, ended: &[(Key, u64)]) {
        for (key, since) in ended {
            if self.state.kv.end_lock_delay(key, *since) {
                self.touch(Topic::LockDelays);
                // Those who wait for the lock try again.
                self.ring(Topic::Key(key.clone()));
            }
        }
    }
}
