use crate::catalog::Later;
use crate::http::Operator;
use crate::peer::ServerOperator;
use crate::raft::Server;

/// The API changes the servers through the leader.
pub(in crate::agent) struct PeerOperator(pub ServerOperator);

impl Operator for PeerOperator {
    fn servers(&self) -> Vec<Server> {
        self.0.servers()
    }

    fn remove(&self, id: u64) -> Later<'_, Result<(), String>> {
        Box::pin(self.0.remove(id))
    }

    fn transfer(&self, to: Option<u64>) -> Later<'_, Result<(), String>> {
        Box::pin(self.0.transfer(to))
    }
}
