use super::lanes::{Lane, Lanes};
use super::message::{Envelope, Message, Reply};
use super::sending::{self, Sending};
use super::transport::{Transport, TransportError};
use super::types::{NodeId, TypeConfig};
use openraft::BasicNode;
use openraft::error::{InstallSnapshotError, RPCError, RaftError, RemoteError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The way to the other servers.
#[derive(Clone)]
pub(super) struct Peers {
    transport: Arc<dyn Transport>,
    /// When each has answered last.
    heard: Heard,
    pub(super) lanes: Lanes,
}

type Heard = Arc<Mutex<BTreeMap<NodeId, Instant>>>;

/// The way to one of them, with what is under way.
pub(super) struct Peer {
    id: NodeId,
    line: Line,
    sending: Option<Sending>,
    /// Open once entries have gone this way: openraft keeps two of these for each server, one of them for snapshots.
    lane: Option<Arc<Lane>>,
    lanes: Lanes,
}

/// The way to one of them.
#[derive(Clone)]
pub(super) struct Line {
    transport: Arc<dyn Transport>,
    id: NodeId,
    address: String,
    heard: Heard,
}

/// Why a server did not answer as it should.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("a message to server {address} cannot be encoded: {reason}")]
    Encode { address: String, reason: String },
    #[error("server {address} answered what cannot be read ({reason}): it may be of another version")]
    Decode { address: String, reason: String },
    #[error("server {address} is not the one with Raft id {id} any more")]
    NotHere { address: String, id: NodeId },
}

type Append = AppendEntriesRequest<TypeConfig>;
type Failure<E> = RPCError<NodeId, BasicNode, E>;

impl Peers {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, heard: Heard::default(), lanes: Lanes::default() }
    }

    pub(super) fn peer(&self, id: NodeId, address: &str) -> Line {
        let (transport, heard) = (self.transport.clone(), self.heard.clone());
        Line { transport, id, address: address.to_owned(), heard }
    }

    /// Since this server has answered; nothing if it never did.
    pub(super) fn since_heard(&self, id: NodeId) -> Option<Duration> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(&id).map(Instant::elapsed)
    }
}

impl Line {
    /// One message and its answer.
    pub(super) async fn ask(&self, message: Message, deadline: Duration) -> Result<Reply, PeerError> {
        let address = || self.address.clone();
        let message = rmp_serde::to_vec_named(&Envelope { to: self.id, message })
            .map_err(|error| PeerError::Encode { address: address(), reason: error.to_string() })?;
        let answer = self.transport.send(&self.address, message, deadline).await?;
        match rmp_serde::from_slice(&answer) {
            Ok(Reply::NotHere) => Err(PeerError::NotHere { address: address(), id: self.id }),
            Ok(reply) => {
                self.note();
                Ok(reply)
            }
            Err(error) => Err(PeerError::Decode { address: address(), reason: error.to_string() }),
        }
    }

    fn note(&self) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(self.id, Instant::now());
    }

    /// It does not answer, as far as anybody here knows.
    pub(super) fn silent(&self) -> PeerError {
        let reason = "what was sent is still under way".to_owned();
        PeerError::Transport(TransportError { address: self.address.clone(), reason })
    }

    fn mixed_up(&self) -> PeerError {
        PeerError::Decode { address: self.address.clone(), reason: "it answers another question".to_owned() }
    }

    fn remote<E: std::error::Error>(&self, error: E) -> Failure<E> {
        RPCError::RemoteError(RemoteError::new(self.id, error))
    }
}

fn unreachable<E: std::error::Error>(error: &PeerError) -> Failure<E> {
    RPCError::Unreachable(Unreachable::new(error))
}

impl RaftNetworkFactory<TypeConfig> for Peers {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeId, node: &BasicNode) -> Peer {
        let (line, lanes) = (self.peer(target, &node.addr), self.lanes.clone());
        Peer { id: target, line, sending: None, lane: None, lanes }
    }
}

impl Peer {
    /// What was sent ahead of openraft's asking is what it asks for, most times.
    async fn append(&mut self, request: Append, time: Duration) -> Result<Reply, PeerError> {
        let Some(last) = request.entries.last().map(|entry| entry.log_id) else {
            return self.line.ask(Message::Append(request), time).await;
        };
        let lane = self.lane.get_or_insert_with(|| self.lanes.open(self.id, self.line.clone()));
        if let Some(sent) = lane.take() {
            self.sending = Some(sent);
        }
        let vote = request.vote;
        let reply = sending::append(&self.line, &mut self.sending, request, last, time).await?;
        if self.sending.is_none() && matches!(reply, Reply::Append(Ok(AppendEntriesResponse::Success))) {
            lane.reached((vote, Some(last)));
        }
        Ok(reply)
    }
}

/// Takes the answer of this name apart.
macro_rules! opened {
    ($line:expr, $name:ident, $reply:expr) => {
        match $reply {
            Ok(Reply::$name(Ok(answer))) => Ok(answer),
            Ok(Reply::$name(Err(error))) => Err($line.remote(error)),
            Ok(_) => Err(unreachable(&$line.mixed_up())),
            Err(error) => Err(unreachable(&error)),
        }
    };
}

impl RaftNetwork<TypeConfig> for Peer {
    async fn append_entries(
        &mut self,
        request: Append,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, Failure<RaftError<NodeId>>> {
        let reply = self.append(request, option.hard_ttl()).await;
        opened!(self.line, Append, reply)
    }

    async fn install_snapshot(
        &mut self,
        request: InstallSnapshotRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<NodeId>, Failure<RaftError<NodeId, InstallSnapshotError>>> {
        let reply = self.line.ask(Message::Snapshot(request), option.hard_ttl()).await;
        opened!(self.line, Snapshot, reply)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<NodeId>,
        option: RPCOption,
    ) -> Result<VoteResponse<NodeId>, Failure<RaftError<NodeId>>> {
        let reply = self.line.ask(Message::Vote(request), option.hard_ttl()).await;
        opened!(self.line, Vote, reply)
    }

    /// Soon again, since a server that restarts is back within a second.
    fn backoff(&self) -> Backoff {
        let waits = [20, 50, 100].into_iter().chain(std::iter::repeat(200));
        Backoff::new(waits.map(Duration::from_millis))
    }
}
