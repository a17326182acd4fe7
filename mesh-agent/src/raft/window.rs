use super::types::{Entry, LogId, StorageError, StorageIoError, TypeConfig};
use openraft::{AnyError, LogState, RaftLogReader};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The part of the log that is not purged yet, in memory: every log store serves reads from it.
#[derive(Default)]
pub(super) struct Window {
    entries: BTreeMap<u64, Held>,
    purged: Option<LogId>,
    /// Bytes of all entries that were ever pushed.
    pushed_bytes: u64,
    /// Why the store behind this window failed. From then on it answers nothing else.
    failure: Option<String>,
}

struct Held {
    entry: Entry,
    /// `pushed_bytes` before this entry.
    bytes_before: u64,
    /// Which record of the store holds it.
    sequence: u64,
}

impl Window {
    /// Appends an entry of about `bytes`, which the store keeps in record `sequence`.
    pub(super) fn push(&mut self, entry: Entry, bytes: u64, sequence: u64) {
        let held = Held { bytes_before: self.pushed_bytes, sequence, entry };
        self.pushed_bytes += bytes;
        self.entries.insert(held.entry.log_id.index, held);
    }

    /// Removes the entries from `index` on.
    pub(super) fn truncate(&mut self, index: u64) {
        self.entries.split_off(&index);
    }

    /// Removes the entries up to and including `upto`.
    pub(super) fn purge(&mut self, upto: LogId) {
        self.entries = self.entries.split_off(&(upto.index + 1));
        self.purged = self.purged.max(Some(upto));
    }

    pub(super) fn purged(&self) -> Option<LogId> {
        self.purged
    }

    /// The newest entry, or, where none is held, the last one purged.
    pub(super) fn last(&self) -> Option<LogId> {
        self.entries.last_key_value().map(|(_, held)| held.entry.log_id).or(self.purged)
    }

    /// The oldest entry that is held.
    pub(super) fn first_index(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(index, _)| *index)
    }

    /// The newest entry that is held.
    pub(super) fn last_index(&self) -> Option<u64> {
        self.entries.last_key_value().map(|(index, _)| *index)
    }

    /// The oldest record that is still needed.
    pub(super) fn first_sequence(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(_, held)| held.sequence)
    }

    /// The first error stays: it is the cause of the later ones.
    pub(super) fn fail(&mut self, reason: &str) {
        self.failure.get_or_insert_with(|| reason.to_owned());
    }

    fn bytes_after(&self, index: u64) -> u64 {
        let next = self.entries.range(index + 1..).next();
        next.map_or(0, |(_, held)| self.pushed_bytes - held.bytes_before)
    }

    /// The first entries of the range, up to the one that reaches `limit` bytes.
    fn read(&self, range: impl RangeBounds<u64>, limit: u64) -> Vec<Entry> {
        let (start, end) = half_open(&range);
        let mut held = self.entries.range(start..end.max(start)).map(|(_, held)| held).peekable();
        let end = held.peek().map_or(0, |first| first.bytes_before.saturating_add(limit));
        held.take_while(|held| held.bytes_before < end).map(|held| held.entry.clone()).collect()
    }
}

fn half_open(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

/// A handle to a window: the log store writes through it, replication and application read.
#[derive(Clone, Default)]
pub(super) struct SharedWindow(Arc<Mutex<Window>>);

impl SharedWindow {
    pub(super) fn new(window: Window) -> Self {
        Self(Arc::new(Mutex::new(window)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The window, while its store is sound.
    pub(super) fn sound(&self) -> Result<MutexGuard<'_, Window>, StorageError> {
        let window = self.lock();
        match &window.failure {
            None => Ok(window),
            Some(reason) => Err(StorageIoError::read_logs(AnyError::error(reason)).into()),
        }
    }

    pub(super) fn log_state(&self) -> Result<LogState<TypeConfig>, StorageError> {
        let window = self.sound()?;
        Ok(LogState { last_purged_log_id: window.purged(), last_log_id: window.last() })
    }

    /// About how many bytes the entries above `index` have.
    pub(super) fn bytes_after(&self, index: u64) -> u64 {
        self.lock().bytes_after(index)
    }
}

/// The most bytes of entries that one message to a peer carries.
const MESSAGE_BYTES: u64 = 1 << 20;

impl RaftLogReader<TypeConfig> for SharedWindow {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok(self.sound()?.read(range, u64::MAX))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        Ok(self.sound()?.read(start..end, MESSAGE_BYTES))
    }
}
