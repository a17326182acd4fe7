use super::config::{ClusterConfig, RuntimeConfig};
use super::error::StartError;
use super::joining::Joining;
use super::options;
use super::ports::{InsidePages, ToLeader};
use super::trust::cluster_tls;
use crate::ca::CaManager;
use crate::catalog::Consensus;
use crate::peer::{Acquaintances, Federation, PeerDoor, RaftWire, ServerAgreement, ServerOperator};
use crate::pki::cluster::ClusterTls;
use crate::raft::{NoPeers, RaftError, RaftNode, RaftOptions, Transport};
use crate::rpc::{Pool, RpcLimits, RpcServer};
use crate::state::Store;
use crate::task::{Shutdown, TaskGroup};
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// A server: it holds the state, with others or alone.
pub(super) struct ServerSeat {
    pub raft: Arc<RaftNode>,
    pub agreement: Arc<dyn Consensus>,
    store: Arc<Store>,
    line: Option<Line>,
    /// The API, for other nodes.
    pub pages: InsidePages,
}

/// The way to other nodes.
struct Line {
    tls: ClusterTls,
    pool: Pool,
    federation: Arc<Federation>,
}

impl Line {
    fn new(tls: ClusterTls, config: &RuntimeConfig) -> Self {
        let pool = Pool::new(tls.clone(), RpcLimits::default());
        let federation = Arc::new(Federation::new(config.node.datacenter.clone(), tls.clone()));
        Self { tls, pool, federation }
    }
}

impl ServerSeat {
    pub async fn take(
        config: &RuntimeConfig,
        id: Uuid,
        store: Arc<Store>,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let line = cluster_tls(config, id)?.map(|tls| Line::new(tls, config));
        let transport: Arc<dyn Transport> = match &line {
            Some(line) => Arc::new(RaftWire(line.pool.clone())),
            None => Arc::new(NoPeers),
        };
        let options = options::raft(config, id);
        let raft = Arc::new(RaftNode::start(options, store.clone(), transport, shutdown.clone()).await?);
        let pool = line.as_ref().map(|line| line.pool.clone());
        let agreement = Arc::new(ServerAgreement::new(raft.clone(), pool));
        Ok(Self { raft, agreement, store, line, pages: InsidePages::default() })
    }

    pub fn operator(&self) -> ServerOperator {
        ServerOperator::new(self.raft.clone(), self.line.as_ref().map(|line| line.pool.clone()))
    }

    /// Where requests go that only the leader answers.
    pub fn elsewhere(&self) -> ToLeader {
        ToLeader {
            raft: self.raft.clone(),
            pool: self.line.as_ref().map(|line| line.pool.clone()),
            federation: self.federation().cloned(),
        }
    }

    /// The way to other datacenters; none where this server is alone for good.
    pub fn federation(&self) -> Option<&Arc<Federation>> {
        self.line.as_ref().map(|line| &line.federation)
    }

    /// Answers other nodes, and looks for the cluster that this server belongs to.
    ///
    /// # Errors
    /// The address for servers' calls cannot be listened on.
    pub async fn serve(
        &self,
        config: &RuntimeConfig,
        id: Uuid,
        ca: Arc<CaManager>,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<(), StartError> {
        let Some(line) = &self.line else { return Ok(()) };
        let RaftOptions { node_id, address, .. } = options::raft(config, id);
        let ClusterConfig { expect, join, .. } = config.cluster.clone();
        let acquaintances = Acquaintances::new(self.raft.clone(), node_id, address, expect).await;
        let acquaintances = Arc::new(acquaintances.map_err(|e| RaftError::Core { reason: e.to_string() })?);
        let door = Arc::new(PeerDoor {
            datacenter: config.node.datacenter.clone(),
            raft: self.raft.clone(),
            store: self.store.clone(),
            agreement: self.agreement.clone(),
            ca,
            acquaintances: acquaintances.clone(),
            pages: Arc::new(self.pages.clone()),
        });
        let listen = SocketAddr::new(config.network.bind, config.network.server_port);
        let server = RpcServer::bind(listen, &line.tls, door, RpcLimits::default())
            .map_err(|source| StartError::Rpc { address: listen, source })?;
        tasks.spawn("rpc", server.run(shutdown.clone()));
        let port = config.network.server_port;
        let joining = Joining { raft: self.raft.clone(), pool: line.pool.clone(), acquaintances, join, port };
        tasks.spawn("joining", joining.run(shutdown.clone()));
        Ok(())
    }
}
