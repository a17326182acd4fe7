use crate::state::{Command, Outcome};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::sync::Arc;

/// What one Raft entry carries. The entry is the unit of agreement and of fsync, so that many commands
/// share one. Entries are cloned for every reader of the log; the commands in them are not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch(pub Arc<[Command]>);

/// What applying an entry gave: an outcome for each command, in their order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Applied(pub Vec<Outcome>);

openraft::declare_raft_types!(
    pub(super) TypeConfig:
        D = Batch,
        R = Applied,
        NodeId = u64,
        Node = openraft::BasicNode,
        Entry = openraft::Entry<TypeConfig>,
        SnapshotData = Cursor<Vec<u8>>,
);

/// Whether an entry is of the leader by this vote. A term may have two leaders, one after the other: openraft orders those
/// of one term by their ids.
pub(super) fn is_of(vote: &Vote, entry: &LogId) -> bool {
    let (leader, voted) = (&entry.leader_id, &vote.leader_id);
    (leader.term, leader.node_id) == (voted.term, voted.node_id)
}

pub(super) type NodeId = u64;
pub(super) type Raft = openraft::Raft<TypeConfig>;
pub(super) type Entry = openraft::Entry<TypeConfig>;
pub(super) type LogId = openraft::LogId<NodeId>;
pub(super) type Vote = openraft::Vote<NodeId>;
pub(super) type Membership = openraft::StoredMembership<NodeId, openraft::BasicNode>;
pub(super) type SnapshotMeta = openraft::SnapshotMeta<NodeId, openraft::BasicNode>;
pub(super) type Snapshot = openraft::Snapshot<TypeConfig>;
pub(super) type StorageError = openraft::StorageError<NodeId>;
pub(super) type StorageIoError = openraft::StorageIOError<NodeId>;
