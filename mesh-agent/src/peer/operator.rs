use super::lead::way_to_leader;
use super::question::{OperatorQuestion, method};
use crate::catalog::ConsensusError;
use crate::raft::{MembershipError, RaftNode, Server};
use crate::rpc::Pool;
use std::sync::Arc;
use std::time::Duration;

/// Longer than the leader itself waits for a change to be agreed on.
const PATIENCE: Duration = Duration::from_secs(15);

/// Changes who the servers are, for a person who asked this server: the leader does it.
pub struct ServerOperator {
    raft: Arc<RaftNode>,
    pool: Option<Pool>,
}

impl ServerOperator {
    pub fn new(raft: Arc<RaftNode>, pool: Option<Pool>) -> Self {
        Self { raft, pool }
    }

    /// All servers, by id.
    pub fn servers(&self) -> Vec<Server> {
        self.raft.servers()
    }

    /// Takes a server out of the cluster.
    ///
    /// # Errors
    /// It is not in the cluster, or no leader does it in time.
    pub async fn remove(&self, id: u64) -> Result<(), String> {
        self.ask(OperatorQuestion::Remove(id)).await
    }

    /// Has the leader step aside for another voter.
    ///
    /// # Errors
    /// There is no such voter, or it did not take over in time.
    pub async fn transfer(&self, to: Option<u64>) -> Result<(), String> {
        self.ask(OperatorQuestion::Transfer(to)).await
    }

    async fn ask(&self, question: OperatorQuestion) -> Result<(), String> {
        if self.raft.leads() {
            return operate(&self.raft, question).await.map_err(|error| error.to_string());
        }
        let Some((leader, pool)) = way_to_leader(&self.raft, self.pool.as_ref()) else {
            return Err(ConsensusError::NoLeader.to_string());
        };
        let answer: Result<Result<(), String>, _> =
            pool.call(leader, method::OPERATE, &question, PATIENCE).await;
        answer.map_err(|error| error.to_string())?
    }
}

/// What only the leader can do; another server says that it does not lead.
pub(super) async fn operate(raft: &RaftNode, question: OperatorQuestion) -> Result<(), MembershipError> {
    match question {
        OperatorQuestion::Remove(id) => raft.remove(id).await,
        OperatorQuestion::Transfer(to) => raft.transfer(to).await.map(drop),
    }
}
