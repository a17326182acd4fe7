use super::config::RuntimeConfig;
use super::error::StartError;
use super::server_book::ServerBook;
use super::trust::cluster_tls;
use crate::catalog::{ClientAgreement, Consensus};
use crate::peer::RemoteServers;
use crate::rpc::{Pool, RpcLimits};
use crate::state::Store;
use crate::task::{Shutdown, TaskGroup};
use crate::view::{Heard, Keeper, ViewFile};
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// A client agent: it keeps a view of the state, and asks servers for everything else.
pub(super) struct ClientSeat {
    pub servers: RemoteServers,
    book: ServerBook,
    heard: watch::Receiver<Option<Heard>>,
    /// Until it runs.
    keeper: Option<Keeper>,
}

impl ClientSeat {
    /// Begins with the view that was kept, where there is one.
    pub async fn take(
        config: &RuntimeConfig,
        id: Uuid,
        store: &Arc<Store>,
    ) -> Result<(Self, Arc<dyn Consensus>), StartError> {
        let tls = cluster_tls(config, id)?.ok_or(StartError::ClientWithoutTrust)?;
        let book = ServerBook::new(config.cluster.join.clone(), config.network.server_port);
        book.look_up().await;
        let known = book.clone();
        let pool = Pool::new(tls, RpcLimits::default());
        let servers = RemoteServers::new(pool, Arc::new(move || known.servers()));
        let file = config.data_dir.as_ref().map(|directory| ViewFile::new(directory.join("view")));
        let source = Arc::new(servers.clone());
        let keeper = Keeper::new(store.clone(), source.clone(), file);
        let heard = keeper.heard();
        let agreement = Arc::new(ClientAgreement::new(source, store.clone(), heard.clone()));
        Ok((Self { servers, book, heard, keeper: Some(keeper) }, agreement))
    }

    pub fn serve(&mut self, tasks: &mut TaskGroup, shutdown: &Shutdown) {
        if let Some(keeper) = self.keeper.take() {
            tasks.spawn("view", keeper.run(shutdown.clone()));
            tasks.spawn("servers", self.book.clone().run(self.heard.clone(), shutdown.clone()));
        }
    }
}
