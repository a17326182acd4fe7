use super::client_seat::ClientSeat;
use super::config::RuntimeConfig;
use super::error::StartError;
use super::ports::{CatalogCaStore, LocalSigner, RaftOperator, RemoteAuthority, ToServers};
use super::server_seat::ServerSeat;
use crate::ca::CaManager;
use crate::catalog::{Catalog, Consensus};
use crate::clock::Clock;
use crate::gossip::Gossip;
use crate::http::{Authority, Deps, Elsewhere, Inside, Operator};
use crate::leader::Voters;
use crate::leaf::CertSigner;
use crate::peer::Federation;
use crate::raft::RaftNode;
use crate::state::Store;
use crate::task::{Shutdown, TaskGroup, Workers};
use std::sync::Arc;
use uuid::Uuid;

/// The replicated state, or a view of it, and the way to it.
pub(super) struct Core {
    pub catalog: Catalog,
    /// On a client agent it knows the roots and has no key.
    pub ca: Arc<CaManager>,
    pub seat: Seat,
}

/// This node's part in the cluster.
pub(super) enum Seat {
    Server(ServerSeat),
    Client(ClientSeat),
}

impl Core {
    /// Restores what is on disk. A server that is alone leads its cluster of one when this returns; others are
    /// served from [`Core::serve`] on.
    pub async fn start(
        config: &RuntimeConfig,
        id: Uuid,
        gossip: Option<Gossip>,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let store = Arc::<Store>::default();
        let (seat, agreement): (Seat, Arc<dyn Consensus>) = if config.cluster.server {
            let seat = ServerSeat::take(config, id, store.clone(), gossip, shutdown).await?;
            let agreement = seat.agreement.clone();
            (Seat::Server(seat), agreement)
        } else {
            let (seat, agreement) = ClientSeat::take(config, id, &store, gossip)?;
            (Seat::Client(seat), agreement)
        };
        let catalog = Catalog::new(store, agreement);
        let ca_store = Arc::new(CatalogCaStore(catalog.clone()));
        let ca = Arc::new(CaManager::new(ca_store, config.node.datacenter.clone(), Clock::System));
        Ok(Self { catalog, ca, seat })
    }

    /// For whoever changes the servers by hand; a client agent passes such requests on.
    pub fn operator(&self) -> Option<Arc<dyn Operator>> {
        match &self.seat {
            Seat::Server(seat) => Some(Arc::new(RaftOperator(seat.raft.clone()))),
            Seat::Client(_) => None,
        }
    }

    /// Answers other nodes, or follows the servers.
    ///
    /// # Errors
    /// The address for servers' calls cannot be listened on.
    pub async fn serve(
        &mut self,
        config: &RuntimeConfig,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<(), StartError> {
        match &mut self.seat {
            Seat::Server(seat) => seat.serve(config, self.ca.clone(), tasks, shutdown).await,
            Seat::Client(seat) => {
                seat.serve(tasks, shutdown);
                Ok(())
            }
        }
    }

    /// The way to other datacenters, on a server.
    pub fn federation(&self) -> Option<&Arc<Federation>> {
        match &self.seat {
            Seat::Server(seat) => seat.federation(),
            Seat::Client(_) => None,
        }
    }

    /// Who votes, for the leader to change.
    pub fn voters(&self) -> Option<Arc<dyn Voters>> {
        match &self.seat {
            Seat::Server(seat) => seat.voters(),
            Seat::Client(_) => None,
        }
    }

    /// This server's part in the agreement; a client agent has none.
    pub fn raft(&self) -> Option<&Arc<RaftNode>> {
        match &self.seat {
            Seat::Server(seat) => Some(&seat.raft),
            Seat::Client(_) => None,
        }
    }

    /// Where Raft lives, as long as somebody keeps it.
    pub fn raft_thread(&self) -> Option<Arc<Workers>> {
        match &self.seat {
            Seat::Server(seat) => Some(seat.thread.clone()),
            Seat::Client(_) => None,
        }
    }

    /// Who signs this node's leaves.
    pub fn signer(&self, config: &RuntimeConfig) -> Arc<dyn CertSigner> {
        match &self.seat {
            Seat::Server(_) => {
                Arc::new(LocalSigner { ca: self.ca.clone(), node: config.node.name.to_string() })
            }
            Seat::Client(seat) => Arc::new(seat.servers.clone()),
        }
    }

    /// Where requests go that this node does not answer.
    pub fn elsewhere(&self) -> Arc<dyn Elsewhere> {
        match &self.seat {
            Seat::Server(seat) => Arc::new(seat.elsewhere()),
            Seat::Client(seat) => Arc::new(ToServers(seat.servers.clone())),
        }
    }

    /// From now on, requests that other nodes pass on are answered.
    pub fn open_pages(&self, deps: &Deps) {
        if let Seat::Server(seat) = &self.seat {
            seat.pages.open(Inside::new(deps));
        }
    }

    /// The CA, for the API.
    pub fn authority(&self) -> Arc<dyn Authority> {
        match &self.seat {
            Seat::Server(_) => self.ca.clone(),
            Seat::Client(seat) => {
                Arc::new(RemoteAuthority { roots: self.ca.clone(), servers: seat.servers.clone() })
            }
        }
    }
}
