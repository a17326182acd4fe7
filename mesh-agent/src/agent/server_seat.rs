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
use crate::peer::{Acquaintances, DividedDoor, Federation, PeerDoor, RaftWire, ServerAgreement};
use crate::pki::cluster::ClusterTls;
use crate::raft::{NoPeers, RaftError, RaftNode, Transport};
use crate::rpc::{Pool, RpcLimits, RpcServer};
use crate::state::Store;
use crate::task::{Shutdown, TaskGroup, Workers};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;
use uuid::Uuid;

/// A server: it holds the state, with others or alone.
pub(super) struct ServerSeat {
    pub raft: Arc<RaftNode>,
    pub agreement: Arc<dyn Consensus>,
    store: Arc<Store>,
    line: Option<Line>,
    /// Where Raft lives, with all that other servers say to it: a message, a disk and an answer wake no other thread.
    pub thread: Arc<Workers>,
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
            Some(line) => Arc::new(RaftWire::new(line.tls.clone())),
            None => Arc::new(NoPeers),
        };
        let thread = Arc::new(Workers::start_one("mesh-raft").map_err(StartError::Runtime)?);
        let options = options::raft(config, id);
        let (node_id, address) = (options.node_id, options.address);
        let start = RaftNode::start(options, store.clone(), transport, shutdown.clone());
        let raft = Arc::new(thread.run(start).await.ok_or_else(ended)??);
        let pool = line.as_ref().map(|line| line.pool.clone());
        let agreement = Arc::new(ServerAgreement::new(raft.clone(), pool));
        let expects = config.cluster.expect;
        let members = gossip.as_ref().map(Gossip::watch);
        let acquaintances = Acquaintances::new(raft.clone(), node_id, address, expects, members).await;
        let acquaintances = Arc::new(acquaintances.map_err(|e| RaftError::Core { reason: e.to_string() })?);
        let pages = InsidePages::default();
        Ok(Self { raft, agreement, store, line, thread, gossip, acquaintances, pages })
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
    pub async fn serve(
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
        let door = Arc::new(DividedDoor { door, elsewhere: Handle::current() });
        let (tls, thread) = (line.tls.clone(), self.thread.clone());
        let bind = async move { RpcServer::bind(listen, &tls, door, RpcLimits::default()) };
        let server = thread.run(bind).await.ok_or_else(ended)?;
        let server = server.map_err(|source| StartError::Rpc { address: listen, source })?;
        let serve = server.run(shutdown.clone());
        tasks.spawn("rpc", async move { thread.run(serve).await.expect("its panic has been told") });
        if let Some(gossip) = &self.gossip {
            let (raft, pool) = (self.raft.clone(), line.pool.clone());
            let (acquaintances, members) = (self.acquaintances.clone(), gossip.watch());
            let founder = Founder { raft, pool, acquaintances, members };
            tasks.spawn("founding", founder.run(shutdown.clone()));
        }
        Ok(())
    }
}

/// Raft's thread has panicked.
fn ended() -> StartError {
    StartError::Runtime(io::Error::other("the thread of the servers' agreement has ended; the log says why"))
}
