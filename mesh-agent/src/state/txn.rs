use super::{KvRead, KvWrite, Query, Refusal, State, Topic};
use crate::model::{CheckId, HealthCheck, KvEntry, Node, NodeName, NodeService, ServiceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One step of a transaction, whose steps all happen or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum TxnOperation {
    KvWrite(KvWrite),
    KvRead(KvRead),
    Node(RowVerb, Box<Node>),
    Service(RowVerb, NodeName, Box<NodeService>),
    Check(RowVerb, Box<HealthCheck>),
}

impl TxnOperation {
    /// About how many bytes it has beside what every operation has.
    pub(in crate::state) fn weight(&self) -> usize {
        match self {
            Self::KvWrite(write) => write.weight(),
            Self::KvRead(_) | Self::Node(..) | Self::Service(..) | Self::Check(..) => 0,
        }
    }

    pub fn writes(&self) -> bool {
        match self {
            Self::KvWrite(_) => true,
            Self::KvRead(_) => false,
            Self::Node(verb, _) | Self::Service(verb, ..) | Self::Check(verb, _) => *verb != RowVerb::Get,
        }
    }
}

/// A transaction whose operations only read. It depends on too much to wait for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadTxn(pub Vec<TxnOperation>);

impl Query for ReadTxn {
    type Output = Result<Vec<TxnResult>, Refusal>;
    fn topics(&self) -> Vec<Topic> {
        Vec::new()
    }
    fn run(&self, state: &State) -> Self::Output {
        state.tried(self.0.clone())
    }
}

/// What to do with a row of the catalog. Where an index counts, it is the one that comes with the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowVerb {
    Get,
    Set,
    Cas,
    Delete,
    DeleteCas,
}

/// What a step has found or made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TxnResult {
    /// Without its value, unless that was asked for.
    Kv(Arc<KvEntry>),
    Node(Arc<Node>),
    Service(NodeName, Arc<NodeService>),
    Check(Arc<HealthCheck>),
}

/// Why a step failed, and with it the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnError {
    /// Which step, counted from 0.
    pub operation: usize,
    pub what: TxnFailure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TxnFailure {
    #[error("key {key:?} doesn't exist")]
    NoSuchKey { key: String },
    #[error("key {key:?} exists")]
    KeyExists { key: String },
    #[error("failed index check for key {key:?}, current modify index {found} != {expected}")]
    IndexCheck { key: String, found: u64, expected: u64 },
    #[error("failed session check for key {key:?}, current session {found:?} != {expected:?}")]
    SessionCheck { key: String, found: String, expected: String },
    #[error("node {node:?} doesn't exist")]
    NoSuchNode { node: NodeName },
    #[error("failed to set or delete node {node:?}, index is stale")]
    NodeStale { node: NodeName },
    #[error("service {service:?} on node {node:?} doesn't exist")]
    NoSuchService { node: NodeName, service: ServiceId },
    #[error("failed to set or delete service {service:?} on node {node:?}, index is stale")]
    ServiceStale { node: NodeName, service: ServiceId },
    #[error("check {check:?} on node {node:?} doesn't exist")]
    NoSuchCheck { node: NodeName, check: CheckId },
    #[error("failed to set or delete check {check:?} on node {node:?}, index is stale")]
    CheckStale { node: NodeName, check: CheckId },
    /// What would refuse the step if it came alone.
    #[error("{reason}")]
    Refused { reason: String },
}
