use super::error::MembershipError;
use super::message::Message;
use super::node::RaftNode;
use super::types::NodeId;
use openraft::error::{ClientWriteError, RaftError as CoreError};
use openraft::{BasicNode, ChangeMembers};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// One server of the cluster, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub id: u64,
    /// Its RPC address as `ip:port`.
    pub address: String,
    pub leader: bool,
    /// It has a vote; else it only follows.
    pub voter: bool,
    /// The last entry that it is known to have; only the leader knows.
    pub matched: Option<u64>,
    /// The term of that entry.
    pub term: Option<u64>,
    /// Since it has answered the leader; only the leader knows.
    pub last_contact: Option<Duration>,
}

/// How long a change of membership, or a transfer, may take.
const CHANGE: Duration = Duration::from_secs(10);
const TRANSFER: Duration = Duration::from_secs(3);

/// Who belongs to the cluster. All changes are the leader's to make.
impl RaftNode {
    /// Nobody has founded a cluster with this server yet, nor taken it into one.
    ///
    /// # Errors
    /// The core has stopped.
    pub async fn is_new(&self) -> Result<bool, MembershipError> {
        self.raft.is_initialized().await.map(|known| !known).map_err(MembershipError::failed)
    }

    /// Founds a cluster of these servers, this one among them. Exactly one of them may do so, once.
    ///
    /// # Errors
    /// This server belongs to a cluster already, or is not among them.
    pub async fn found(&self, servers: &BTreeMap<u64, SocketAddr>) -> Result<(), MembershipError> {
        let members: BTreeMap<NodeId, BasicNode> =
            servers.iter().map(|(id, address)| (*id, BasicNode::new(address))).collect();
        self.raft.initialize(members).await.map_err(MembershipError::failed)
    }

    /// All servers, by id.
    pub fn servers(&self) -> Vec<Server> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let voters: BTreeSet<NodeId> = metrics.membership_config.membership().voter_ids().collect();
        let matched = |id: &NodeId| metrics.replication.as_ref()?.get(id).copied().flatten();
        let own = metrics.id;
        let contact = |id| if id == own { Some(Duration::ZERO) } else { self.peers.since_heard(id) };
        let server = |(id, node): (&NodeId, &BasicNode)| Server {
            id: *id,
            address: node.addr.clone(),
            leader: metrics.current_leader == Some(*id),
            voter: voters.contains(id),
            matched: matched(id).map(|log| log.index),
            term: matched(id).map(|log| log.leader_id.term),
            last_contact: contact(*id),
        };
        metrics.membership_config.nodes().map(server).collect()
    }

    /// Takes a server in, or notes its new address. It gets the state but no vote yet.
    ///
    /// # Errors
    /// This server does not lead, or no majority agrees in time.
    pub async fn add(&self, id: u64, address: SocketAddr) -> Result<(), MembershipError> {
        self.change(ChangeMembers::SetNodes(BTreeMap::from([(id, BasicNode::new(address))]))).await
    }

    /// Gives a server a vote.
    ///
    /// # Errors
    /// It is not in the cluster, or as for [`RaftNode::add`].
    pub async fn promote(&self, id: u64) -> Result<(), MembershipError> {
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([id]))).await
    }

    /// Takes a server out, with its vote if it has one.
    ///
    /// # Errors
    /// It is not in the cluster, or as for [`RaftNode::add`].
    pub async fn remove(&self, id: u64) -> Result<(), MembershipError> {
        let server = self.servers().into_iter().find(|server| server.id == id);
        let server = server.ok_or(MembershipError::Unknown { id })?;
        if server.voter {
            self.change(ChangeMembers::RemoveVoters(BTreeSet::from([id]))).await?;
        }
        let remains = self.servers().iter().any(|server| server.id == id);
        if remains { self.change(ChangeMembers::RemoveNodes(BTreeSet::from([id]))).await } else { Ok(()) }
    }

    /// `retain` keeps a former voter as a follower until it is taken out.
    async fn change(&self, change: ChangeMembers<NodeId, BasicNode>) -> Result<(), MembershipError> {
        let began = Instant::now();
        match timeout(CHANGE, self.raft.change_membership(change, true)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(CoreError::APIError(ClientWriteError::ForwardToLeader(_)))) => {
                Err(MembershipError::NotLeader)
            }
            Ok(Err(error @ CoreError::APIError(_))) => Err(MembershipError::failed(error)),
            // It is late, or the core has ended: the others may have it.
            Ok(Err(CoreError::Fatal(_))) | Err(_) => {
                Err(MembershipError::Unconfirmed { waited: began.elapsed() })
            }
        }
    }

    /// Steps aside for another voter, or for the one that has most of the log.
    ///
    /// # Errors
    /// This server does not lead, there is no such voter, or it did not win in time; then this one leads on.
    pub async fn transfer(&self, to: Option<u64>) -> Result<u64, MembershipError> {
        let servers = self.servers();
        if !servers.iter().any(|server| server.leader && server.id == self.id) {
            return Err(MembershipError::NotLeader);
        }
        let candidates = servers.iter().filter(|server| server.voter && server.id != self.id);
        let chosen = candidates
            .filter(|server| to.is_none_or(|to| server.id == to))
            .max_by_key(|server| server.matched)
            .ok_or(to.map_or(MembershipError::NoOther, |id| MembershipError::Unknown { id }))?;
        self.raft.runtime_config().heartbeat(false);
        let followed = self.hand_over(chosen).await;
        self.raft.runtime_config().heartbeat(true);
        followed.then_some(chosen.id).ok_or(MembershipError::NotTaken { waited: TRANSFER })
    }

    /// The others give nobody a vote before they have not heard of this leader for a while.
    async fn hand_over(&self, to: &Server) -> bool {
        let until = Instant::now() + TRANSFER;
        let peer = self.peers.peer(to.id, &to.address);
        while Instant::now() < until {
            tokio::time::sleep(self.lease).await;
            if self.raft.metrics().borrow().current_leader != Some(self.id) {
                return true;
            }
            // Whether it won is seen above.
            let _ = peer.ask(Message::Campaign, self.lease).await;
        }
        false
    }
}
