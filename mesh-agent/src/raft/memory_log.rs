use super::types::{Entry, LogId, StorageError, TypeConfig, Vote};
use super::window::SharedWindow;
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{EntryPayload, LogState, RaftLogReader};
use std::fmt::Debug;
use std::ops::RangeBounds;

/// The log of a server that keeps nothing: for development and tests.
#[derive(Default)]
pub(super) struct MemoryLog {
    window: SharedWindow,
    vote: Option<Vote>,
}

impl MemoryLog {
    pub(super) fn window(&self) -> SharedWindow {
        self.window.clone()
    }
}

/// What a command takes in memory, roughly. It only decides when the log is compacted.
const COMMAND_BYTES: u64 = 1024;

fn size(entry: &Entry) -> u64 {
    match &entry.payload {
        EntryPayload::Normal(batch) => COMMAND_BYTES * batch.0.len() as u64,
        EntryPayload::Blank | EntryPayload::Membership(_) => COMMAND_BYTES,
    }
}

impl RaftLogReader<TypeConfig> for MemoryLog {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError> {
        self.window.try_get_log_entries(range).await
    }
}

impl RaftLogStorage<TypeConfig> for MemoryLog {
    type LogReader = SharedWindow;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        self.window.log_state()
    }

    async fn get_log_reader(&mut self) -> SharedWindow {
        self.window.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        self.vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.vote)
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        {
            let mut window = self.window.lock();
            for entry in entries {
                let bytes = size(&entry);
                window.push(entry, bytes, 0);
            }
        }
        flushed.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, since: LogId) -> Result<(), StorageError> {
        self.window.lock().truncate(since.index);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        self.window.lock().purge(upto);
        Ok(())
    }
}
