use super::message::{Message, Reply};
use super::network::Peers;
use super::pulse::Pulse;
use super::types::{NodeId, Raft};
use crate::task::Shutdown;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use openraft::ServerState;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::time::Duration;

/// Decides when this server stands for election. openraft's own timer draws its patience once in a process's
/// life, so that two servers may tie for ever; this one draws anew each time, and asks first whether the others
/// miss the leader too.
pub(super) struct Elections {
    pub(super) raft: Raft,
    pub(super) peers: Peers,
    pub(super) pulse: Arc<Pulse>,
    /// The shortest patience; the longest is twice that.
    pub(super) patience: Duration,
    pub(super) seed: u64,
}

/// What there is to do about the leader.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// It leads itself, or has no say.
    Nothing,
    /// Nobody else has a say.
    Stand,
    /// Ask these voters, of whom so many must agree.
    Canvass { others: Vec<(NodeId, String)>, needed: usize },
}

impl Elections {
    pub(super) async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.watch() => {}
            () = shutdown.begun() => {}
        }
    }

    async fn watch(&self) {
        let mut random = StdRng::seed_from_u64(self.seed);
        loop {
            let patience = self.patience.mul_f64(random.random_range(1.0..2.0));
            while let Some(left) = patience.checked_sub(self.pulse.quiet_for()).filter(|left| !left.is_zero())
            {
                tokio::time::sleep(left).await;
            }
            if self.should_stand().await {
                tracing::info!(quiet_for = ?self.pulse.quiet_for(), "no leader is heard: this server stands for election");
                // Fails only where the core has stopped, which `RaftNode::stopped` tells.
                let _ = self.raft.trigger().elect().await;
            }
            self.pulse.restart();
        }
    }

    async fn should_stand(&self) -> bool {
        match self.due() {
            Due::Nothing => false,
            Due::Stand => true,
            Due::Canvass { others, needed } => self.canvass(others, needed).await,
        }
    }

    fn due(&self) -> Due {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        let voters: Vec<NodeId> = membership.voter_ids().collect();
        if metrics.state == ServerState::Leader || !voters.contains(&metrics.id) {
            return Due::Nothing;
        }
        if voters.len() == 1 {
            return Due::Stand;
        }
        let others = voters.iter().filter(|id| **id != metrics.id);
        let address = |id: &NodeId| Some((*id, membership.get_node(id)?.addr.clone()));
        Due::Canvass { others: others.filter_map(address).collect(), needed: voters.len() / 2 }
    }

    /// Whether so many of the others miss the leader too.
    async fn canvass(&self, others: Vec<(NodeId, String)>, needed: usize) -> bool {
        let deadline = self.patience / 2;
        let mut asked: FuturesUnordered<_> = others
            .into_iter()
            .map(|(id, address)| async move {
                let peer = self.peers.peer(id, &address);
                let asked = tokio::time::timeout(deadline, peer.ask(Message::Canvass, deadline)).await;
                matches!(asked, Ok(Ok(Reply::Canvass(true))))
            })
            .collect();
        let mut agreed = 0;
        while let Some(agrees) = asked.next().await {
            agreed += usize::from(agrees);
            if agreed >= needed {
                return true;
            }
        }
        false
    }
}
