use super::types::{Batch, Entry, LogId, Membership, SnapshotMeta};
use openraft::{BasicNode, CommittedLeaderId, EntryPayload};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is written to disk. These forms are our own, so that a newer openraft reads what an older one
/// wrote. They are encoded with field names: fields added later have defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredId {
    pub(super) term: u64,
    /// Who led that term.
    pub(super) leader: u64,
    pub(super) index: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredEntry {
    pub(super) id: StoredId,
    pub(super) payload: StoredPayload,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum StoredPayload {
    Blank,
    Commands(Batch),
    Members(StoredMembers),
}

/// The servers of a cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredMembers {
    /// One set of voters, or two while the cluster changes from one to the other.
    pub(super) voters: Vec<BTreeSet<u64>>,
    /// The addresses of all servers, `ip:port`.
    pub(super) addresses: BTreeMap<u64, String>,
}

/// How far a snapshot goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredMeta {
    pub(super) last: Option<StoredId>,
    pub(super) members_since: Option<StoredId>,
    pub(super) members: StoredMembers,
    pub(super) name: String,
}

impl From<LogId> for StoredId {
    fn from(id: LogId) -> Self {
        Self { term: id.leader_id.term, leader: id.leader_id.node_id, index: id.index }
    }
}

impl From<StoredId> for LogId {
    fn from(id: StoredId) -> Self {
        Self::new(CommittedLeaderId::new(id.term, id.leader), id.index)
    }
}

type Members = openraft::Membership<u64, BasicNode>;

impl From<&Members> for StoredMembers {
    fn from(members: &Members) -> Self {
        let addresses = members.nodes().map(|(id, node)| (*id, node.addr.clone())).collect();
        Self { voters: members.get_joint_config().clone(), addresses }
    }
}

impl From<StoredMembers> for Members {
    fn from(members: StoredMembers) -> Self {
        let nodes: BTreeMap<u64, BasicNode> =
            members.addresses.into_iter().map(|(id, address)| (id, BasicNode::new(address))).collect();
        Self::new(members.voters, nodes)
    }
}

impl From<&Entry> for StoredEntry {
    fn from(entry: &Entry) -> Self {
        let payload = match &entry.payload {
            EntryPayload::Blank => StoredPayload::Blank,
            EntryPayload::Normal(batch) => StoredPayload::Commands(batch.clone()),
            EntryPayload::Membership(members) => StoredPayload::Members(members.into()),
        };
        Self { id: entry.log_id.into(), payload }
    }
}

impl From<StoredEntry> for Entry {
    fn from(entry: StoredEntry) -> Self {
        let payload = match entry.payload {
            StoredPayload::Blank => EntryPayload::Blank,
            StoredPayload::Commands(batch) => EntryPayload::Normal(batch),
            StoredPayload::Members(members) => EntryPayload::Membership(members.into()),
        };
        Self { log_id: entry.id.into(), payload }
    }
}

impl From<&SnapshotMeta> for StoredMeta {
    fn from(meta: &SnapshotMeta) -> Self {
        Self {
            last: meta.last_log_id.map(Into::into),
            members_since: (*meta.last_membership.log_id()).map(Into::into),
            members: meta.last_membership.membership().into(),
            name: meta.snapshot_id.clone(),
        }
    }
}

impl From<StoredMeta> for SnapshotMeta {
    fn from(meta: StoredMeta) -> Self {
        Self {
            last_log_id: meta.last.map(Into::into),
            last_membership: Membership::new(meta.members_since.map(Into::into), meta.members.into()),
            snapshot_id: meta.name,
        }
    }
}
