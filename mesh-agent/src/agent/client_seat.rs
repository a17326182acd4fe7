use super::config::RuntimeConfig;
use super::error::StartError;
use super::trust::cluster_tls;
use crate::catalog::{ClientAgreement, Consensus};
use crate::gossip::{Gossip, Known, MemberState, Members};
use crate::peer::RemoteServers;
use crate::rpc::{Pool, RpcLimits};
use crate::state::Store;
use crate::task::{Shutdown, TaskGroup};
use crate::view::{Keeper, ViewFile};
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// A client agent: it keeps a view of the state, and asks servers for everything else.
pub(super) struct ClientSeat {
    pub servers: RemoteServers,
    /// Until it runs.
    keeper: Option<Keeper>,
}

impl ClientSeat {
    /// Begins with the view that was kept, where there is one.
    pub fn take(
        config: &RuntimeConfig,
        id: Uuid,
        store: &Arc<Store>,
        gossip: Option<Gossip>,
    ) -> Result<(Self, Arc<dyn Consensus>), StartError> {
        let tls = cluster_tls(config, id)?.ok_or(StartError::ClientWithoutTrust)?;
        let gossip = gossip.ok_or(StartError::NoGossip)?;
        let pool = Pool::new(tls, RpcLimits::default());
        let servers = RemoteServers::new(pool, Arc::new(move || servers(&gossip.members())));
        let file = config.data_dir.as_ref().map(|directory| ViewFile::new(directory.join("view")));
        let source = Arc::new(servers.clone());
        let keeper = Keeper::new(store.clone(), source.clone(), file);
        let agreement = Arc::new(ClientAgreement::new(source, store.clone(), keeper.heard()));
        Ok((Self { servers, keeper: Some(keeper) }, agreement))
    }

    pub fn serve(&mut self, tasks: &mut TaskGroup, shutdown: &Shutdown) {
        if let Some(keeper) = self.keeper.take() {
            tasks.spawn("view", keeper.run(shutdown.clone()));
        }
    }
}

/// Where the servers take calls. Where none seems to live, those that failed are better than nobody: datagrams may
/// get lost where connections pass.
fn servers(members: &Members) -> Vec<SocketAddr> {
    let those = |counts: fn(&Known) -> bool| -> Vec<SocketAddr> {
        let servers = members.iter().filter(|known| known.member.is_server() && counts(known));
        servers.map(|known| known.member.rpc()).collect()
    };
    let alive = those(|known| known.state.is_alive());
    if alive.is_empty() { those(|known| known.state == MemberState::Failed) } else { alive }
}
