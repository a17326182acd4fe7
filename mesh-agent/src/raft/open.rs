use super::core_log::CoreLog;
use super::files::{Directory, FileSystem};
use super::memory_log::MemoryLog;
use super::network::Peers;
use super::segment_log::{LogError, SegmentLog};
use super::snapshots::Snapshots;
use super::state_machine::StateMachine;
use super::types::{NodeId, Raft, StorageError, TypeConfig, Vote};
use super::window::SharedWindow;
use super::{RaftError, RaftOptions, Storage};
use crate::state::Store;
use openraft::storage::RaftLogStorage;
use std::path::Path;
use std::sync::Arc;

/// A core with the log window that it works on.
pub(super) struct Opened {
    pub(super) raft: Raft,
    pub(super) window: SharedWindow,
}

/// A log with the state machine that follows it.
struct Opening<L> {
    log: L,
    window: SharedWindow,
    machine: StateMachine,
}

/// Restores the newest snapshot into the store, reads the log after it, and starts a core.
pub(super) async fn open(
    system: Arc<dyn FileSystem>,
    options: &RaftOptions,
    store: Arc<Store>,
    peers: Peers,
) -> Result<Opened, RaftError> {
    match &options.storage {
        Storage::Memory => open_memory(store)?.start(options, peers).await,
        Storage::Directory(path) => {
            open_directory(system, path, options.segment_size, store)?.start(options, peers).await
        }
    }
}

fn open_memory(store: Arc<Store>) -> Result<Opening<MemoryLog>, RaftError> {
    let log = MemoryLog::default();
    let machine = StateMachine::restore(store, Arc::new(Snapshots::in_memory()))?;
    Ok(Opening { window: log.window(), log, machine })
}

fn open_directory(
    system: Arc<dyn FileSystem>,
    path: &Path,
    segment_size: u64,
    store: Arc<Store>,
) -> Result<Opening<SegmentLog>, RaftError> {
    let directory = Directory::open(system.clone(), path.to_owned()).map_err(LogError::from)?;
    let mut log = SegmentLog::open(directory, segment_size)?;
    // The log's lock covers the snapshots too.
    let snapshots = Directory::open(system, path.join("snapshots")).map_err(LogError::from)?;
    snapshots.discard_unfinished().map_err(LogError::from)?;
    let snapshots = Arc::new(Snapshots::in_files(snapshots));
    let machine = StateMachine::restore(store, snapshots.clone())?;
    log.follow(snapshots.kept());
    check_gap(path, &log.window(), &machine)?;
    Ok(Opening { window: log.window(), log, machine })
}

/// What the log does not hold any more must be in the snapshot.
fn check_gap(path: &Path, window: &SharedWindow, machine: &StateMachine) -> Result<(), RaftError> {
    let Some(purged) = window.lock().purged() else { return Ok(()) };
    match machine.applied() {
        Some(applied) if applied.index >= purged.index => Ok(()),
        applied => {
            let (directory, snapshot) = (path.to_owned(), applied.map_or(0, |id| id.index));
            Err(RaftError::Gap { directory, purged: purged.index, snapshot })
        }
    }
}

impl<L: RaftLogStorage<TypeConfig>> Opening<L> {
    async fn start(mut self, options: &RaftOptions, peers: Peers) -> Result<Opened, RaftError> {
        let config = Arc::new(options.config()?);
        self.lay_down_lead(options.node_id).await?;
        let (id, window, lanes) = (options.node_id, self.window.clone(), peers.lanes.clone());
        let log = CoreLog { log: self.log, window, id, lanes, vote: None };
        let raft = Raft::new(id, config, peers, log, self.machine).await;
        let raft = raft.map_err(|e| RaftError::Core { reason: e.to_string() })?;
        Ok(Opened { raft, window: self.window })
    }

    /// openraft would go on with a lead that the process had when it ended, and confirm reads up to its first entry
    /// alone, since how far the log is committed is not on disk. A server that starts leads anew, or not at all.
    async fn lay_down_lead(&mut self, id: NodeId) -> Result<(), RaftError> {
        let core = |e: StorageError| RaftError::Core { reason: e.to_string() };
        match self.log.read_vote().await.map_err(core)? {
            Some(vote) if vote.committed && vote.leader_id.node_id == id => {
                let voted = Vote { committed: false, ..vote };
                self.log.save_vote(&voted).await.map_err(core)
            }
            _ => Ok(()),
        }
    }
}
