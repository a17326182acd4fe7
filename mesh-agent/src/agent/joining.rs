use super::config::JoinAddress;
use super::founding::{Decision, decide};
use crate::peer::{Acquaintances, Introduction};
use crate::raft::{MembershipError, RaftNode, Server};
use crate::rpc::Pool;
use crate::task::Shutdown;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a server without a cluster asks for one, and a leader looks for such servers.
const PERIOD: Duration = Duration::from_millis(500);
/// A new server gets a vote when it has kept up for so long.
const STABLE: Duration = Duration::from_secs(2);
/// It keeps up while it lacks no more entries than these.
const LAG: u64 = 100;

/// Brings servers together: founds a cluster with those that expect as many, introduces this one to a cluster
/// that exists, and, on the leader, takes in whoever was introduced.
pub(super) struct Joining {
    pub raft: Arc<RaftNode>,
    pub pool: Pool,
    pub acquaintances: Arc<Acquaintances>,
    pub join: Vec<JoinAddress>,
    /// Where servers listen whose address says no port.
    pub port: u16,
}

impl Joining {
    pub async fn run(self, shutdown: Shutdown) {
        let mut keeping_up = HashMap::new();
        loop {
            tokio::select! {
                () = self.turn(&mut keeping_up) => {}
                () = shutdown.begun() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.begun() => return,
            }
        }
    }

    async fn turn(&self, keeping_up: &mut HashMap<u64, Instant>) {
        let own = self.acquaintances.own();
        if self.raft.leads() {
            if let Err(error) = self.take_in(keeping_up).await {
                tracing::warn!(%error, "a server could not be taken in; trying again soon");
            }
            return;
        }
        keeping_up.clear();
        let row = self.raft.servers().into_iter().find(|server| server.id == own.id);
        if row.is_some_and(|row| row.voter && row.address == own.address) {
            return;
        }
        let answers = self.introduce().await;
        if let Decision::Found(members) = decide(&own, &answers) {
            tracing::info!(servers = members.len(), "founding a cluster with the servers that were expected");
            if let Err(error) = self.raft.found(&members).await {
                tracing::error!(%error, "the cluster could not be founded");
            }
        }
    }

    /// Whoever has answered, each in its own words.
    async fn introduce(&self) -> Vec<Introduction> {
        let own = self.acquaintances.own();
        let mut asked = BTreeSet::new();
        let mut answers: BTreeMap<u64, Introduction> = BTreeMap::new();
        let mut next = self.addresses().await;
        // Whom the first know, and whom those know.
        for _ in 0..3 {
            next.retain(|address| address.to_string() != own.address && asked.insert(*address));
            let calls = next.drain(..).map(|address| self.acquaintances.introduce(&self.pool, address));
            let introduced = join_all(calls).await;
            for answer in introduced {
                match answer {
                    Ok(answer) => {
                        let known = answer.others.iter().map(|other| other.address.as_str());
                        let known = known.chain(answer.own.leader.as_deref());
                        next.extend(known.filter_map(|address| address.parse::<SocketAddr>().ok()));
                        self.acquaintances.meet(answer.own.clone());
                        answers.insert(answer.own.id, answer);
                    }
                    Err(error) => tracing::debug!(%error, "a server does not say who it is"),
                }
            }
        }
        answers.remove(&own.id);
        answers.into_values().collect()
    }

    async fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> =
            self.raft.peers().iter().filter_map(|address| address.parse().ok()).collect();
        addresses
            .extend(self.acquaintances.others().iter().filter_map(|o| o.address.parse::<SocketAddr>().ok()));
        for JoinAddress { host, port } in &self.join {
            match tokio::net::lookup_host((host.as_str(), port.unwrap_or(self.port))).await {
                Ok(found) => addresses.extend(found),
                Err(error) => tracing::warn!(%host, %error, "the address of a server to join is not known"),
            }
        }
        addresses
    }

    async fn take_in(&self, keeping_up: &mut HashMap<u64, Instant>) -> Result<(), MembershipError> {
        let servers = self.raft.servers();
        for other in self.acquaintances.others() {
            let row = servers.iter().find(|server| server.id == other.id);
            let Ok(address) = other.address.parse::<SocketAddr>() else { continue };
            match row {
                None if other.is_new => {
                    tracing::info!(id = other.id, %address, "taking in a server");
                    self.raft.add(other.id, address).await?;
                }
                Some(row) if row.address != other.address => {
                    tracing::info!(id = other.id, old = row.address, new = %address, "a server has moved");
                    self.raft.add(other.id, address).await?;
                }
                _ => {}
            }
        }
        self.promote(&servers, keeping_up).await
    }

    async fn promote(
        &self,
        servers: &[Server],
        keeping_up: &mut HashMap<u64, Instant>,
    ) -> Result<(), MembershipError> {
        let last = servers.iter().filter_map(|server| server.matched).max().unwrap_or_default();
        let keeps_up = |server: &&Server| server.matched.is_some_and(|matched| matched + LAG >= last);
        let candidates: Vec<u64> =
            servers.iter().filter(|server| !server.voter).filter(keeps_up).map(|server| server.id).collect();
        keeping_up.retain(|id, _| candidates.contains(id));
        for id in candidates {
            if keeping_up.entry(id).or_insert_with(Instant::now).elapsed() >= STABLE {
                tracing::info!(id, "a server has kept up and gets a vote");
                self.raft.promote(id).await?;
            }
        }
        Ok(())
    }
}
