use super::question::{Introduction, ServerStatus, method};
use crate::gossip::{Known, Members};
use crate::raft::{MembershipError, RaftNode};
use crate::rpc::{Pool, RpcError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What this server says of itself, and which other servers it sees, before the log tells of them.
pub struct Acquaintances {
    raft: Arc<RaftNode>,
    id: u64,
    address: SocketAddr,
    expects: u32,
    /// When this server started; what Raft tells of its log comes a little later.
    was_new: bool,
    /// None where a server is alone for good.
    members: Option<watch::Receiver<Arc<Members>>>,
}

/// How long a server may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);

impl Acquaintances {
    /// `expects` as the configuration says.
    ///
    /// # Errors
    /// The Raft core has stopped.
    pub async fn new(
        raft: Arc<RaftNode>,
        id: u64,
        address: SocketAddr,
        expects: u32,
        members: Option<watch::Receiver<Arc<Members>>>,
    ) -> Result<Self, MembershipError> {
        let was_new = raft.is_new().await?;
        Ok(Self { raft, id, address, expects, was_new, members })
    }

    /// What this server says of itself.
    pub fn own(&self) -> ServerStatus {
        let cluster: Vec<u64> = self.raft.servers().iter().map(|server| server.id).collect();
        ServerStatus {
            id: self.id,
            address: self.address.to_string(),
            is_new: self.was_new && cluster.is_empty(),
            expects: self.expects,
            leader: self.raft.leader(),
            cluster,
        }
    }

    /// What it answers to a server that asks.
    pub fn introduction(&self) -> Introduction {
        let alike = self.seen().into_iter().filter(|known| known.member.bootstrap_expect == self.expects);
        let others = alike.map(|known| (known.member.raft_id, known.member.rpc()));
        Introduction { own: self.own(), sees: others.chain([(self.id, self.address)]).collect() }
    }

    /// Where the other servers are that live.
    pub fn others(&self) -> Vec<SocketAddr> {
        self.seen().iter().map(|known| known.member.rpc()).collect()
    }

    /// Hears who a server is and whom it sees.
    ///
    /// # Errors
    /// No server of this cluster answers there.
    pub async fn ask(&self, pool: &Pool, server: SocketAddr) -> Result<Introduction, RpcError> {
        pool.call(server, method::STATUS, &(), PATIENCE).await
    }

    fn seen(&self) -> Vec<Arc<Known>> {
        let Some(members) = &self.members else { return Vec::new() };
        let members = members.borrow().clone();
        let is_other = |known: &&Arc<Known>| known.member.is_server() && known.member.raft_id != self.id;
        members.alive().filter(is_other).cloned().collect()
    }
}
