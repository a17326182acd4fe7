use crate::ca::CaError;
use crate::catalog::{ConsensusError, Consistency};
use crate::leaf::SignerError;
use crate::model::{Opaque, ServiceName};
use crate::state::{Command, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The names of the calls, and how long their callers wait.
pub(super) mod method {
    use std::time::Duration;

    /// A message of Raft, between servers.
    pub(in crate::peer) const RAFT: &str = "raft";
    /// A write or a read that only the leader can answer, between servers.
    pub(in crate::peer) const LEAD: &str = "lead";
    /// What any server does for any node.
    pub(in crate::peer) const WRITE: &str = "write";
    pub(in crate::peer) const NEWEST: &str = "newest";
    pub(in crate::peer) const FOLLOW: &str = "follow";
    pub(in crate::peer) const SIGN: &str = "sign";
    pub(in crate::peer) const CONFIGURE_CA: &str = "configure-ca";
    pub(in crate::peer) const STATUS: &str = "status";
    /// A request to the API that the caller cannot answer itself.
    pub(in crate::peer) const API: &str = "api";
    /// What another datacenter follows of this one, and a certificate for its own authority.
    pub(in crate::peer) const REPLICATE: &str = "replicate";
    pub(in crate::peer) const SIGN_INTERMEDIATE: &str = "sign-intermediate";

    /// A server itself waits this long for a leader, or for a majority.
    pub(in crate::peer) const PATIENCE: Duration = Duration::from_secs(10);
    /// Who asks a server waits a little longer than the server itself.
    pub(in crate::peer) const ASK: Duration = Duration::from_secs(12);
}

/// What a server asks of the leader.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum LeadQuestion {
    Write(Command),
    /// How far the log must be applied for a read.
    Index(ReadConsistency),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LeadAnswer {
    /// Of a write.
    pub(super) outcome: Option<Outcome>,
    /// Up to which index of the log the asking server must have applied.
    pub(super) log: u64,
}

/// [`Consistency`] as it travels.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum ReadConsistency {
    Default,
    Consistent,
    Stale,
}

impl From<Consistency> for ReadConsistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::Default => Self::Default,
            Consistency::Consistent => Self::Consistent,
            Consistency::Stale => Self::Stale,
        }
    }
}

impl From<ReadConsistency> for Consistency {
    fn from(consistency: ReadConsistency) -> Self {
        match consistency {
            ReadConsistency::Default => Self::Default,
            ReadConsistency::Consistent => Self::Consistent,
            ReadConsistency::Stale => Self::Stale,
        }
    }
}

/// What a server that is asked may answer instead: its caller acts on the kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Fault {
    NoLeader,
    Unconfirmed { waited: Duration },
    Lagging { waited: Duration },
    Stopped { reason: String },
}

impl From<ConsensusError> for Fault {
    fn from(error: ConsensusError) -> Self {
        match error {
            ConsensusError::NoLeader => Self::NoLeader,
            ConsensusError::Unconfirmed { waited } => Self::Unconfirmed { waited },
            ConsensusError::Lagging { waited } => Self::Lagging { waited },
            ConsensusError::Stopped { reason } => Self::Stopped { reason },
        }
    }
}

impl From<Fault> for ConsensusError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoLeader => Self::NoLeader,
            Fault::Unconfirmed { waited } => Self::Unconfirmed { waited },
            Fault::Lagging { waited } => Self::Lagging { waited },
            Fault::Stopped { reason } => Self::Stopped { reason },
        }
    }
}

/// What came of a write, and from which index of the view on it is seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WriteAnswer {
    pub(super) outcome: Outcome,
    pub(super) viewed: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignQuestion {
    pub(super) service: ServiceName,
    pub(super) csr_pem: String,
}

/// Why nothing was signed or configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CaFault {
    /// Asking again soon will not help.
    pub(super) refused: bool,
    pub(super) reason: String,
}

impl From<CaFault> for SignerError {
    fn from(CaFault { refused, reason }: CaFault) -> Self {
        if refused { Self::Refused { reason } } else { Self::Unavailable { reason } }
    }
}

impl From<CaError> for CaFault {
    fn from(error: CaError) -> Self {
        let refused = matches!(
            error,
            CaError::Request(_)
                | CaError::TrustDomain { .. }
                | CaError::Datacenter { .. }
                | CaError::Service { .. }
                | CaError::Settings(_)
                | CaError::OtherTrustDomain { .. }
                | CaError::Secondary
        );
        Self { refused, reason: error.to_string() }
    }
}

impl From<CaFault> for CaError {
    fn from(CaFault { refused, reason }: CaFault) -> Self {
        Self::Elsewhere { refused, reason }
    }
}

/// A new configuration for the CA.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaRequest {
    pub provider: String,
    pub config: Opaque,
}

/// What a server says of itself, also before it belongs to a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its Raft id.
    pub id: u64,
    /// Its RPC address as `ip:port`.
    pub address: String,
    /// It belongs to no cluster yet.
    pub is_new: bool,
    /// How many servers it was told to expect.
    pub expects: u32,
    pub leader: Option<String>,
    /// The ids of the servers of its cluster, as far as its log goes.
    pub cluster: Vec<u64>,
}

/// Who a server is and whom it sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    pub own: ServerStatus,
    /// The servers that live and expect as many as it does, itself among them: their ids and RPC addresses.
    pub sees: BTreeMap<u64, SocketAddr>,
}
