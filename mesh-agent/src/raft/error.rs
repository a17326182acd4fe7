use std::path::PathBuf;
use std::time::Duration;

/// Why a server's Raft node could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RaftError {
    #[error("the Raft timing is not usable: {reason}; the election time-out must exceed the heartbeat")]
    Timing { reason: String },
    #[error(transparent)]
    Log(#[from] super::LogError),
    #[error(transparent)]
    Snapshot(#[from] super::SnapshotError),
    #[error(
        "the log in {directory} begins after index {purged}, but the newest intact snapshot ends at {snapshot}: entries between them are lost; restore the directory from a backup, or remove it and let this server join anew"
    )]
    Gap { directory: PathBuf, purged: u64, snapshot: u64 },
    #[error("starting the Raft core: {reason}")]
    Core { reason: String },
    #[error("this server was alone and did not become leader within {waited:?}: is the machine overloaded?")]
    NotElected { waited: Duration },
    #[error("the Raft core stopped: {reason}; this server must be restarted")]
    Failed { reason: String },
}

/// Why a write or a read could not be agreed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// Ask the leader, if there is one.
    #[error("this server is not the leader")]
    NotLeader,
    /// It may take effect later, or never.
    #[error("no majority of servers confirmed within {waited:?}: read before trying again")]
    Unconfirmed { waited: Duration },
    #[error("this server's Raft core has stopped: {reason}")]
    Stopped { reason: String },
}
