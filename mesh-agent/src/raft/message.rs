use super::types::{NodeId, TypeConfig};
use openraft::error::{InstallSnapshotError, RaftError};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};

/// A message with whom it is for: an address may have passed to another server.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) to: NodeId,
    pub(super) message: Message,
}

/// What one server asks of another.
#[derive(Serialize, Deserialize)]
pub(super) enum Message {
    Append(AppendEntriesRequest<TypeConfig>),
    Vote(VoteRequest<NodeId>),
    Snapshot(InstallSnapshotRequest<TypeConfig>),
    /// Has the receiver lost the leader too? Asked before an election, so that a server that alone cannot
    /// hear the leader does not depose it.
    Canvass,
    /// The leader steps aside for the receiver, who stands for election at once.
    Campaign,
}

/// The answer to a [`Message`] of the same name.
#[derive(Serialize, Deserialize)]
pub(super) enum Reply {
    Append(Result<AppendEntriesResponse<NodeId>, RaftError<NodeId>>),
    Vote(Result<VoteResponse<NodeId>, RaftError<NodeId>>),
    Snapshot(Result<InstallSnapshotResponse<NodeId>, RaftError<NodeId, InstallSnapshotError>>),
    Canvass(bool),
    Campaign(bool),
    /// The message was for another server, which does not live here any more.
    NotHere,
}
