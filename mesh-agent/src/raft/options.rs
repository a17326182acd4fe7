use super::RaftError;
use super::types::NodeId;
use openraft::{Config, SnapshotPolicy};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the log, the vote and the snapshots live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Gone with the process: for development.
    Memory,
    /// In files under this directory, which nobody else may use.
    Directory(PathBuf),
}

/// How a server without any state comes to a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Founding {
    /// It founds one of its own at once.
    #[default]
    Alone,
    /// It waits until one is founded with it, or takes it in.
    Together,
}

/// How a server takes part in Raft.
#[derive(Clone, Debug)]
pub struct RaftOptions {
    /// Unique among the servers, for ever.
    pub node_id: NodeId,
    /// Where the other servers reach this one's RPC listener.
    pub address: SocketAddr,
    pub storage: Storage,
    /// How often a leader reports to its followers. Slow disks want 100 ms.
    pub heartbeat: Duration,
    /// How long this server waits at least without a leader until it stands for election; at most twice that.
    /// More than two heartbeats.
    pub election_timeout: Duration,
    pub founding: Founding,
    pub compaction: Compaction,
    /// Bytes of one file of the log. The log is deleted file by file.
    pub segment_size: u64,
    /// Of how long this server waits each time: another one in each process, or two would tie for ever.
    pub seed: u64,
}

/// When the log is replaced by a snapshot; whichever comes first.
#[derive(Clone, Debug)]
pub struct Compaction {
    /// After so many entries.
    pub entries: u64,
    /// After entries of so many bytes.
    pub bytes: u64,
    /// So many entries before a snapshot stay, for followers that lag a little.
    pub keep: u64,
}

impl Default for Compaction {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 64 << 20, keep: 1_000 }
    }
}

impl RaftOptions {
    pub fn new(node_id: NodeId, address: SocketAddr, storage: Storage) -> Self {
        Self {
            node_id,
            address,
            storage,
            heartbeat: Duration::from_millis(100),
            election_timeout: Duration::from_millis(400),
            founding: Founding::default(),
            compaction: Compaction::default(),
            segment_size: 16 << 20,
            seed: rand::random(),
        }
    }

    /// For machines that are so many times slower: heartbeats are rarer, and elections wait longer.
    pub fn slower(mut self, times: u32) -> Self {
        self.heartbeat *= times;
        self.election_timeout *= times;
        self
    }

    /// Nobody gets a vote while a leader was heard so recently.
    pub(super) fn lease(&self) -> Duration {
        self.election_timeout / 2
    }

    pub(super) fn config(&self) -> Result<Config, RaftError> {
        let lease = millis(self.lease());
        let config = Config {
            cluster_name: "mesh".to_owned(),
            heartbeat_interval: millis(self.heartbeat),
            // How long nobody votes against a leader that was heard; when to stand is for `Elections`.
            election_timeout_min: lease,
            election_timeout_max: lease + 1,
            enable_elect: false,
            // Of each piece of a snapshot, which a slow disk must take.
            install_snapshot_timeout: 10_000,
            snapshot_max_chunk_size: 1 << 20,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.compaction.entries),
            max_in_snapshot_log_to_keep: self.compaction.keep,
            ..Config::default()
        };
        config.validate().map_err(|e| RaftError::Timing { reason: e.to_string() })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}
