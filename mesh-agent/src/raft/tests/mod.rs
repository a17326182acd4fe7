mod ahead;
mod cluster;
mod crash;
mod node;
mod simulation;
mod suite;

use super::files::{FileSystem, StdFileSystem};
use super::*;
use crate::state::Store;
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything here takes on a machine that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(30);

fn options(storage: Storage) -> RaftOptions {
    RaftOptions::new(1, "10.0.0.1:8300".parse().unwrap(), storage)
}

/// A started node with its store.
struct Server {
    node: Arc<RaftNode>,
    store: Arc<Store>,
    shutdown: Shutdown,
}

impl Server {
    async fn start(options: RaftOptions) -> Result<Self, RaftError> {
        Self::start_on(Arc::new(StdFileSystem), options).await
    }

    async fn start_on(system: Arc<dyn FileSystem>, options: RaftOptions) -> Result<Self, RaftError> {
        let (store, shutdown) = (Arc::<Store>::default(), Shutdown::new());
        let node =
            RaftNode::start_on(system, options, store.clone(), Arc::new(NoPeers), shutdown.clone()).await?;
        Ok(Self { node: Arc::new(node), store, shutdown })
    }

    async fn stop(self) {
        self.shutdown.begin();
        tokio::time::timeout(DEADLINE, self.node.stopped()).await.expect("stops in time").unwrap();
    }
}
