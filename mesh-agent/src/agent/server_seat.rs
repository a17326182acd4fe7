use super::config::RuntimeConfig;
use super::error::StartError;
use super::founder::Founder;
use super::options;
use super::ports::{CarefulVoters, InsidePages, ToLeader};
use super::trust::cluster_tls;
use crate::ca::CaManager;
use crate::catalog::Consensus;
use crate::gossip::Gossip;
use crate::leader::Voters;
use crate::peer::{Acquaintances, Federation, PeerDoor, RaftWire, ServerAgreement};
use crate::pki::cluster::ClusterTls;
use crate::raft::{NoPeers, RaftError, RaftNode, Transport};
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
    /// None where a server is alone for good.
    gossip: Option<Gossip>,
    acquaintances: Arc<Acquaintances>,
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
        gossip: Option<Gossip>,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let line = cluster_tls(config, id)?.map(|tls| Line::new(tls, config));
        let transport: Arc<dyn Transport> = match &line {
            Some(line) => Arc::new(RaftWire(line.pool.clone())),
            None => Arc::new(NoPeers),
        };
        let options = options::raft(config, id);
        let (node_id, address) = (options.node_id, options.address);
        let raft = Arc::new(RaftNode::start(options, store.clone(), transport, shutdown.clone()).await?);
        let pool = line.as_ref().map(|line| line.pool.clone());
        let agreement = Arc::new(ServerAgreement::new(raft.clone(), pool));
        let expects = config.cluster.expect;
        let members = gossip.as_ref().map(Gossip::watch);
        let acquaintances = Acquaintances::new(raft.clone(), node_id, address, expects, members).await;
        let acquaintances = Arc::new(acquaintances.map_err(|e| RaftError::Core { reason: e.to_string() })?);
        Ok(Self { raft, agreement, store, line, gossip, acquaintances, pages: InsidePages::default() })
    }

    /// Who votes; a server is asked who it is before it is taken in.
    pub fn voters(&self) -> Option<Arc<dyn Voters>> {
        let pool = self.line.as_ref()?.pool.clone();
        let (raft, acquaintances) = (self.raft.clone(), self.acquaintances.clone());
        Some(Arc::new(CarefulVoters { raft, acquaintances, pool }))
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

    /// Answers other nodes, and founds a cluster with those that are expected.
    ///
    /// # Errors
    /// The address for servers' calls cannot be listened on.
    pub fn serve(
        &self,
        config: &RuntimeConfig,
        ca: Arc<CaManager>,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<(), StartError> {
        let Some(line) = &self.line else { return Ok(()) };
        let door = Arc::new(PeerDoor {
            datacenter: config.node.datacenter.clone(),
            raft: self.raft.clone(),
            store: self.store.clone(),
            agreement: self.agreement.clone(),
            ca,
            acquaintances: self.acquaintances.clone(),
            pages: Arc::new(self.pages.clone()),
        });
        let listen = SocketAddr::new(config.network.bind, config.network.server_port);
        let server = RpcServer::bind(listen, &line.tls, door, RpcLimits::default())
            .map_err(|source| StartError::Rpc { address: listen, source })?;
        tasks.spawn("rpc", server.run(shutdown.clone()));
        if let Some(gossip) = &self.gossip {
            let (raft, pool) = (self.raft.clone(), line.pool.clone());
            let (acquaintances, members) = (self.acquaintances.clone(), gossip.watch());
            let founder = Founder { raft, pool, acquaintances, members };
            tasks.spawn("founding", founder.run(shutdown.clone()));
        }
        Ok(())
    }
}
