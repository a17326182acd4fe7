use super::question::{Introduction, ServerStatus, method};
use crate::raft::{MembershipError, RaftNode};
use crate::rpc::{Pool, RpcError};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The servers that have said who they are a short while ago, before the log tells of them.
pub struct Acquaintances {
    raft: Arc<RaftNode>,
    id: u64,
    address: SocketAddr,
    expects: u32,
    /// When this server started; what Raft tells of its log comes a little later.
    was_new: bool,
    met: Mutex<HashMap<u64, (ServerStatus, Instant)>>,
}

/// For so long a server is known that says no more.
const MEMORY: Duration = Duration::from_secs(10);
/// The most servers that are known.
const MOST: usize = 64;
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
    ) -> Result<Self, MembershipError> {
        let was_new = raft.is_new().await?;
        Ok(Self { raft, id, address, expects, was_new, met: Mutex::default() })
    }

    /// What this server says of itself.
    pub fn own(&self) -> ServerStatus {
        ServerStatus {
            id: self.id,
            address: self.address.to_string(),
            is_new: self.was_new && self.raft.servers().is_empty(),
            expects: self.expects,
            leader: self.raft.leader(),
        }
    }

    /// Another server has said who it is.
    pub fn meet(&self, server: ServerStatus) {
        let mut met = self.met();
        met.retain(|_, (_, at)| at.elapsed() < MEMORY);
        if server.id != self.id && (met.len() < MOST || met.contains_key(&server.id)) {
            met.insert(server.id, (server, Instant::now()));
        }
    }

    /// Who has said so lately.
    pub fn others(&self) -> Vec<ServerStatus> {
        let met = self.met();
        let fresh = met.values().filter(|(_, at)| at.elapsed() < MEMORY);
        fresh.map(|(server, _)| server.clone()).collect()
    }

    /// Says who this server is, and hears who the other one is and whom it knows.
    ///
    /// # Errors
    /// No server of this cluster answers there.
    pub async fn introduce(&self, pool: &Pool, to: SocketAddr) -> Result<Introduction, RpcError> {
        pool.call(to, method::STATUS, &Some(self.own()), PATIENCE).await
    }

    fn met(&self) -> MutexGuard<'_, HashMap<u64, (ServerStatus, Instant)>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
