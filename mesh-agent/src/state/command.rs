use super::{KvWrite, TxnError, TxnOperation, TxnResult};
use crate::model::{
    AutopilotConfig, CaConfig, CaProviderState, CaRoot, CheckId, Coordinate, HealthCheck, Intention,
    IntentionId, IntentionTarget, Key, Node, NodeName, NodeService, PreparedQuery, PreparedQueryId,
    ServiceId, Session, SessionId,
};
use serde::{Deserialize, Serialize};

/// Everything that can change the state. Unknown commands cannot be decoded, and a server that cannot
/// decode a committed command stops: diverging is worse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Register(Box<Registration>),
    Deregister(Deregistration),
    /// Creates, or replaces the intention of the same id.
    PutIntention(Box<Intention>),
    /// Creates, or replaces the action, description and metadata of the intention with the same source
    /// and destination, whose id and creation time stay.
    PutIntentionByName(Box<Intention>),
    DeleteIntention(IntentionId),
    DeleteIntentionByName {
        source: IntentionTarget,
        destination: IntentionTarget,
    },
    /// Replaces roots, configuration and key together, if `expected` is still the index of `Topic::Ca`.
    SetCa {
        expected: u64,
        config: CaConfig,
        roots: Vec<CaRoot>,
        provider: Option<CaProviderState>,
    },
    /// Replaces everything by what an archive holds: see `snapshot`.
    Restore(#[serde(with = "serde_bytes")] Vec<u8>),
    Kv(Box<KvWrite>),
    /// All operations or none.
    Txn(Vec<TxnOperation>),
    CreateSession(Box<Session>),
    /// It was destroyed, or its time is over.
    EndSession(SessionId),
    /// The delays of these keys, which began at these indexes, are over.
    EndLockDelays(Vec<(Key, u64)>),
    /// Creates, or replaces the one with the same id.
    PutPreparedQuery(Box<PreparedQuery>),
    DeletePreparedQuery(PreparedQueryId),
    /// Makes intentions those of another datacenter: rows of these ids go, and these come as they are there, in place
    /// of any between the same services.
    ReplicateIntentions {
        delete: Vec<IntentionId>,
        put: Vec<Intention>,
    },
    /// Where nodes stand in the network; who is not in the catalog is left out.
    PutCoordinates(Vec<(NodeName, Coordinate)>),
    /// Replaces it; with `expected` only if that is the index of what is there, 0 for nothing.
    SetAutopilot {
        config: AutopilotConfig,
        expected: Option<u64>,
    },
}

impl Command {
    /// About how many bytes it has in the log: what callers choose the size of counts, the rest is small.
    pub fn weight(&self) -> usize {
        const ROW: usize = 512;
        ROW + match self {
            Self::Restore(archive) => archive.len(),
            Self::Kv(write) => write.weight(),
            Self::Txn(operations) => operations.iter().map(|operation| ROW + operation.weight()).sum(),
            Self::Register(registration) => ROW * (registration.services.len() + registration.checks.len()),
            Self::EndLockDelays(keys) => keys.len() * 64,
            Self::ReplicateIntentions { delete, put } => delete.len() * 64 + put.len() * ROW,
            Self::PutCoordinates(places) => places.len() * ROW,
            _ => 0,
        }
    }
}

/// A node with any of its services and checks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    pub node: Node,
    /// Keep the node as it is if it exists already.
    pub skip_node_update: bool,
    pub services: Vec<NodeService>,
    pub checks: Vec<HealthCheck>,
}

/// Removes one check, one service with its checks, or the whole node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deregistration {
    pub node: NodeName,
    pub service: Option<ServiceId>,
    pub check: Option<CheckId>,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Applied; carries the index that the write has.
    Done {
        index: u64,
    },
    /// A transaction took place.
    Transaction {
        index: u64,
        results: Vec<TxnResult>,
    },
    Refused(Refusal),
}

/// Why the state machine refused a command; the state is unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error(
        "check {check:?} names service {service:?}, which node {node:?} does not have: register the service first"
    )]
    NoSuchService { node: NodeName, check: CheckId, service: ServiceId },
    #[error(
        "duplicate intention found: {source_name} => {destination} exists already with id {id}: update or delete that one"
    )]
    DuplicateIntention { id: IntentionId, source_name: IntentionTarget, destination: IntentionTarget },
    #[error("intention not found: {id}")]
    NoSuchIntention { id: IntentionId },
    #[error("intention not found: {source_name} => {destination}")]
    NoSuchIntentionPair { source_name: IntentionTarget, destination: IntentionTarget },
    #[error(
        "node name {node:?} belongs to the node with id {holder}, which is not known to have failed: give the node with id {id} another name, or deregister the old one"
    )]
    NodeNameTaken { node: NodeName, id: uuid::Uuid, holder: uuid::Uuid },
    #[error("the snapshot was not restored, and nothing has changed: {reason}")]
    Unrestorable { reason: String },
    #[error("the CA changed meanwhile (expected index {expected}, found {found}): read it again and retry")]
    CaChanged { expected: u64, found: u64 },
    #[error("autopilot's configuration changed meanwhile (expected index {expected}, found {found})")]
    AutopilotChanged { expected: u64, found: u64 },
    #[error("{found} of the CA's roots are active: exactly one root signs")]
    ActiveRoots { found: usize },
    #[error("failed to set key {key:?}, index is stale")]
    KeySetStale { key: String },
    #[error("failed to delete key {key:?}, index is stale")]
    KeyDeleteStale { key: String },
    #[error("failed to lock key {key:?}, lock is already held")]
    LockHeld { key: String },
    #[error("failed to lock key {key:?} due to lock delay")]
    LockDelayed { key: String },
    #[error("failed to unlock key {key:?}, lock isn't held, or is held by another session")]
    LockNotHeld { key: String },
    #[error("invalid session {id:?}: it does not exist or has ended; create another")]
    NoSuchSession { id: String },
    #[error("Missing node registration: the catalog does not have node {node:?}, which the session is for")]
    SessionWithoutNode { node: NodeName },
    #[error("Missing check '{check}' registration: a session can only depend on checks that its node has")]
    SessionWithoutCheck { check: CheckId },
    #[error("Check '{check}' is in critical state: a session that depends on it would end at once")]
    SessionCheckCritical { check: CheckId },
    #[error("{reason}")]
    BadQuery { reason: String },
    #[error("the transaction was rolled back: {} of its operations failed", errors.len())]
    RolledBack { errors: Vec<TxnError> },
}

impl Refusal {
    /// The command was conditional, and its condition does not hold: that is an answer, not a mistake.
    pub fn is_unmet_condition(&self) -> bool {
        matches!(
            self,
            Self::KeySetStale { .. }
                | Self::KeyDeleteStale { .. }
                | Self::LockHeld { .. }
                | Self::LockDelayed { .. }
                | Self::LockNotHeld { .. }
                | Self::AutopilotChanged { .. }
        )
    }
}
