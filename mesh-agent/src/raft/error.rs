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

/// Why the cluster's servers were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    #[error("this server is not the leader, who alone changes the cluster's servers")]
    NotLeader,
    #[error("there is no server with Raft id {id} in the cluster that could be meant")]
    Unknown { id: u64 },
    #[error("there is no other voting server to lead the cluster")]
    NoOther,
    #[error(
        "no majority of servers confirmed the change within {waited:?}: look who belongs to the cluster before trying again"
    )]
    Unconfirmed { waited: Duration },
    #[error("the other server did not take over within {waited:?}: this one leads on")]
    NotTaken { waited: Duration },
    #[error("the cluster's servers were not changed: {reason}")]
    Failed { reason: String },
}

impl MembershipError {
    pub(super) fn failed(error: impl std::error::Error) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

/// Why a message of another server was not answered.
#[derive(Debug, thiserror::Error)]
#[error("a message of another server cannot be read or answered ({reason}): it may be of another version")]
pub struct MessageError {
    pub reason: String,
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
