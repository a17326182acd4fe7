use super::config::RuntimeConfig;
use super::error::StartError;
use super::options;
use crate::catalog::Catalog;
use crate::raft::{NoPeers, RaftNode};
use crate::state::Store;
use crate::task::Shutdown;
use std::sync::Arc;

/// The replicated state and the way to it.
pub(super) struct Core {
    pub raft: Arc<RaftNode>,
    pub catalog: Catalog,
}

impl Core {
    /// Restores what is on disk; when this returns, the server leads its cluster of one.
    pub async fn start(config: &RuntimeConfig, shutdown: &Shutdown) -> Result<Self, StartError> {
        let store = Arc::new(Store::default());
        let raft = Arc::new(
            RaftNode::start(options::raft(config), store.clone(), Arc::new(NoPeers), shutdown.clone())
                .await?,
        );
        Ok(Self { catalog: Catalog::new(store, raft.clone()), raft })
    }
}
