use crate::catalog::Later;
use crate::http::Operator;
use crate::raft::{RaftNode, Server};
use std::sync::Arc;

/// The API changes the servers where this one leads.
pub(in crate::agent) struct RaftOperator(pub Arc<RaftNode>);

impl Operator for RaftOperator {
    fn servers(&self) -> Vec<Server> {
        self.0.servers()
    }

    fn remove(&self, id: u64) -> Later<'_, Result<(), String>> {
        Box::pin(async move { self.0.remove(id).await.map_err(|error| error.to_string()) })
    }

    fn transfer(&self, to: Option<u64>) -> Later<'_, Result<(), String>> {
        Box::pin(async move { self.0.transfer(to).await.map(drop).map_err(|error| error.to_string()) })
    }
}
