use super::lanes::Lanes;
use super::types::{Entry, LogId, NodeId, StorageError, TypeConfig, Vote, is_of};
use super::window::SharedWindow;
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{LogState, RaftLogReader};
use std::fmt::Debug;
use std::ops::RangeBounds;

/// The log as the core uses it: where this server leads, entries go to the followers while its own disk still works on
/// them. openraft hands them to replication only when they are durable here, so that a write would wait for two disks
/// in a row. It counts a follower's answer after its own disk's all the same, so that nothing is committed before a
/// majority has it; and a server that starts anew lays its lead down, so that what it sent and lost by a crash never
/// gets a namesake (the Raft dissertation, 10.2.1).
pub(super) struct CoreLog<L> {
    pub(super) log: L,
    /// What of the log is in memory.
    pub(super) window: SharedWindow,
    pub(super) id: NodeId,
    pub(super) lanes: Lanes,
    /// The last one that was saved since the start.
    pub(super) vote: Option<Vote>,
}

impl<L: RaftLogStorage<TypeConfig>> CoreLog<L> {
    /// The vote that this server leads by, if these are entries of its own. It is on disk, since openraft waits for that.
    fn leads_by(&self, entries: &[Entry]) -> Option<Vote> {
        let vote = self.vote.filter(|vote| vote.committed && vote.leader_id.node_id == self.id)?;
        is_of(&vote, &entries.first()?.log_id).then_some(vote)
    }

    fn send_ahead(&self, entries: &[Entry]) {
        let Some(vote) = self.leads_by(entries) else { return };
        let last = self.window.lock().last();
        self.lanes.send_ahead((vote, last), entries);
    }
}

impl<L: RaftLogStorage<TypeConfig>> RaftLogReader<TypeConfig> for CoreLog<L> {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + Send>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError> {
        self.log.try_get_log_entries(range).await
    }
}

impl<L: RaftLogStorage<TypeConfig>> RaftLogStorage<TypeConfig> for CoreLog<L> {
    type LogReader = L::LogReader;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        self.log.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> L::LogReader {
        self.log.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        self.log.save_vote(vote).await?;
        self.vote = Some(*vote);
        Ok(())
    }

    /// A lead from before the start does not count: it was laid down.
    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        self.log.read_vote().await
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        self.send_ahead(&entries);
        self.log.append(entries, flushed).await
    }

    async fn truncate(&mut self, since: LogId) -> Result<(), StorageError> {
        self.log.truncate(since).await
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        self.log.purge(upto).await
    }
}
