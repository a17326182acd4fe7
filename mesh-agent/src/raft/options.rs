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
    /// How long this server waits without a leader until it stands for election. Each server of a cluster
    /// needs its own, at least one heartbeat apart, or elections are split again and again.
    pub election_timeout: Duration,
    pub compaction: Compaction,
    /// Bytes of one file of the log. The log is deleted file by file.
    pub segment_size: u64,
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
            election_timeout: Duration::from_millis(250),
            compaction: Compaction::default(),
            segment_size: 16 << 20,
        }
    }

    pub(super) fn config(&self) -> Result<Config, RaftError> {
        let election_timeout = millis(self.election_timeout);
        let config = Config {
            cluster_name: "mesh".to_owned(),
            heartbeat_interval: millis(self.heartbeat),
            // Drawn once per process from this range, which therefore has one value.
            election_timeout_min: election_timeout,
            election_timeout_max: election_timeout + 1,
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
