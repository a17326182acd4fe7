use crate::catalog::Later;
use crate::raft::{RaftNode, Server};
use std::net::SocketAddr;
use std::time::Duration;

/// One server of the cluster, as the servers' agreement has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    pub id: u64,
    /// Its RPC address as `ip:port`.
    pub address: String,
    pub leader: bool,
    /// It has a vote; else it only follows.
    pub votes: bool,
    /// The last entry that it is known to have.
    pub matched: Option<u64>,
    /// The term of that entry.
    pub term: Option<u64>,
    /// Since it has answered the leader.
    pub last_contact: Option<Duration>,
}

impl From<Server> for Voter {
    fn from(server: Server) -> Self {
        Self {
            id: server.id,
            address: server.address,
            leader: server.leader,
            votes: server.voter,
            matched: server.matched,
            term: server.term,
            last_contact: server.last_contact,
        }
    }
}

/// Who votes, and how that changes.
pub trait Voters: Send + Sync {
    /// This server leads, and knows all that was agreed before.
    fn leads(&self) -> bool;
    fn list(&self) -> Vec<Voter>;
    /// Takes a server in without a vote, or notes its new address.
    fn add(&self, id: u64, address: SocketAddr) -> Later<'_, Result<(), String>>;
    fn promote(&self, id: u64) -> Later<'_, Result<(), String>>;
    fn remove(&self, id: u64) -> Later<'_, Result<(), String>>;
}

impl Voters for RaftNode {
    fn leads(&self) -> bool {
        Self::leads(self)
    }

    fn list(&self) -> Vec<Voter> {
        self.servers().into_iter().map(Voter::from).collect()
    }

    fn add(&self, id: u64, address: SocketAddr) -> Later<'_, Result<(), String>> {
        Box::pin(async move { Self::add(self, id, address).await.map_err(|error| error.to_string()) })
    }

    fn promote(&self, id: u64) -> Later<'_, Result<(), String>> {
        Box::pin(async move { Self::promote(self, id).await.map_err(|error| error.to_string()) })
    }

    fn remove(&self, id: u64) -> Later<'_, Result<(), String>> {
        Box::pin(async move { Self::remove(self, id).await.map_err(|error| error.to_string()) })
    }
}
