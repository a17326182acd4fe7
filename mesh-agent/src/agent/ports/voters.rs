use crate::catalog::Later;
use crate::leader::{Voter, Voters};
use crate::peer::{Acquaintances, ServerStatus};
use crate::raft::RaftNode;
use crate::rpc::Pool;
use std::net::SocketAddr;
use std::sync::Arc;

/// The voters of the agreement. Whoever is to be taken in is asked first: gossip may have brought together servers
/// of two clusters, which do not become one.
pub(in crate::agent) struct CarefulVoters {
    pub raft: Arc<RaftNode>,
    pub acquaintances: Arc<Acquaintances>,
    pub pool: Pool,
}

impl CarefulVoters {
    async fn check(&self, id: u64, address: SocketAddr) -> Result<(), String> {
        let answer = self.acquaintances.ask(&self.pool, address).await.map_err(|error| error.to_string())?;
        objection(&answer.own, id, self.acquaintances.own().id).map_or(Ok(()), Err)
    }
}

/// Why a server that answers so is not taken in as `id` by the cluster of `own`.
fn objection(found: &ServerStatus, id: u64, own: u64) -> Option<String> {
    if found.id != id {
        return Some(format!("the server at {} is another: found id {}, want {id}", found.address, found.id));
    }
    let belongs = found.is_new || found.cluster.contains(&own);
    (!belongs).then(|| {
        let address = &found.address;
        format!("the server at {address} has a cluster of its own: remove its data directory to have it join")
    })
}

impl Voters for CarefulVoters {
    fn leads(&self) -> bool {
        self.raft.leads()
    }

    fn list(&self) -> Vec<Voter> {
        Voters::list(&*self.raft)
    }

    fn add(&self, id: u64, address: SocketAddr) -> Later<'_, Result<(), String>> {
        Box::pin(async move {
            self.check(id, address).await?;
            Voters::add(&*self.raft, id, address).await
        })
    }

    fn promote(&self, id: u64) -> Later<'_, Result<(), String>> {
        Voters::promote(&*self.raft, id)
    }

    fn remove(&self, id: u64) -> Later<'_, Result<(), String>> {
        Voters::remove(&*self.raft, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_without_a_cluster_and_those_of_this_one_are_taken_in() {
        let server = |id, cluster: &[u64]| ServerStatus {
            id,
            address: "10.0.0.7:8300".to_owned(),
            is_new: cluster.is_empty(),
            expects: 3,
            leader: None,
            cluster: cluster.to_vec(),
        };
        assert_eq!(objection(&server(7, &[]), 7, 1), None, "new");
        assert_eq!(objection(&server(7, &[1, 2, 7]), 7, 1), None, "it was of this cluster before");
        assert!(objection(&server(7, &[7, 8, 9]), 7, 1).unwrap().contains("a cluster of its own"));
        assert!(objection(&server(8, &[]), 7, 1).unwrap().contains("found id 8, want 7"));
    }
}
