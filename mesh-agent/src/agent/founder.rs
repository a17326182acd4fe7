use super::founding::{Decision, decide};
use crate::gossip::Members;
use crate::peer::{Acquaintances, Introduction};
use crate::raft::RaftNode;
use crate::rpc::Pool;
use crate::task::Shutdown;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a server without a cluster asks the others, besides when their number changes.
const PERIOD: Duration = Duration::from_millis(500);

/// Founds a cluster with the servers that were expected, once gossip shows as many. Whoever comes later is taken
/// in by the leader.
pub(super) struct Founder {
    pub raft: Arc<RaftNode>,
    pub pool: Pool,
    pub acquaintances: Arc<Acquaintances>,
    pub members: watch::Receiver<Arc<Members>>,
}

impl Founder {
    /// Until this server belongs to a cluster.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut told = None;
        while self.acquaintances.own().is_new {
            tokio::select! {
                () = self.turn(&mut told) => {}
                () = shutdown.begun() => return,
            }
            tokio::select! {
                _ = self.members.changed() => {}
                () = tokio::time::sleep(PERIOD) => {}
                () = shutdown.begun() => return,
            }
        }
    }

    /// `told` is what the log says already.
    async fn turn(&self, told: &mut Option<String>) {
        let own = self.acquaintances.own();
        if own.expects < 2 {
            return;
        }
        let Some(others) = self.ask_others().await else { return };
        match decide(&own, &others) {
            Decision::Wait => {}
            Decision::Disagree(other) => {
                if told.as_ref() != Some(&other) {
                    tracing::error!(%other, "a server has another bootstrap_expect: no cluster is founded before \
                        all have the same");
                    *told = Some(other);
                }
            }
            Decision::Found(members) => {
                tracing::info!(
                    servers = members.len(),
                    "founding a cluster with the servers that were expected"
                );
                if let Err(error) = self.raft.found(&members).await {
                    tracing::error!(%error, "the cluster could not be founded");
                }
            }
        }
    }

    /// What all others say of themselves; nothing where one does not answer: it may have a cluster.
    async fn ask_others(&self) -> Option<Vec<Introduction>> {
        let calls = self.acquaintances.others().into_iter().map(|other| async move {
            let answer = self.acquaintances.ask(&self.pool, other).await;
            answer.inspect_err(|error| tracing::debug!(%error, "a server does not say who it is")).ok()
        });
        join_all(calls).await.into_iter().collect()
    }
}
