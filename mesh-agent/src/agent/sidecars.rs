use super::identities::Identities;
use super::ports::{MeshEndpoints, RemoteFollower};
use crate::catalog::Catalog;
use crate::http::Elsewhere;
use crate::leaf::LeafError;
use crate::local::ProxyAssignment;
use crate::model::{Datacenter, ServiceName, Upstream, UpstreamKind};
use crate::proxy::{Authorize, Endpoints, Engine, InboundSpec, ListenerHandle, OutboundSpec, ProxyError};
use crate::task::{Shutdown, TaskGroup};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often listeners that could not be opened are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// One listener that a registration asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    Inbound { bind: SocketAddr, service: ServiceName, app: String },
    Outbound { bind: SocketAddr, source: ServiceName, destination: ServiceName, datacenter: Datacenter },
}

/// Every listener that the assignments ask for.
pub(super) fn wanted(
    assignments: &[ProxyAssignment],
    bind: IpAddr,
    datacenter: &Datacenter,
) -> HashSet<Wanted> {
    assignments.iter().flat_map(|a| inbound(a, bind).into_iter().chain(outbound(a, datacenter))).collect()
}

fn inbound(assignment: &ProxyAssignment, bind: IpAddr) -> Option<Wanted> {
    let configured = assignment.proxy.proxy.as_ref()?.config.get("bind_address").and_then(|v| v.as_str());
    let bind = configured.and_then(|text| text.parse().ok()).unwrap_or(bind);
    let bind = SocketAddr::new(bind, assignment.proxy.port);
    Some(Wanted::Inbound { bind, service: assignment.source.clone(), app: assignment.app.clone() })
}

fn outbound(assignment: &ProxyAssignment, datacenter: &Datacenter) -> Vec<Wanted> {
    let services = assignment.upstreams.iter().filter(|u| u.kind == UpstreamKind::Service);
    services.map(|upstream| outbound_of(&assignment.source, upstream, datacenter)).collect()
}

fn outbound_of(source: &ServiceName, upstream: &Upstream, datacenter: &Datacenter) -> Wanted {
    Wanted::Outbound {
        bind: SocketAddr::new(upstream.local_bind_address, upstream.local_bind_port),
        source: source.clone(),
        destination: upstream.destination.clone(),
        datacenter: upstream.datacenter.clone().unwrap_or_else(|| datacenter.clone()),
    }
}

/// What the supervisor builds listeners with.
pub(super) struct SidecarDeps {
    pub engine: Engine,
    pub identities: Identities,
    pub catalog: Catalog,
    /// Who knows the way to other datacenters.
    pub elsewhere: Arc<dyn Elsewhere>,
    pub authorize: Arc<dyn Authorize>,
    /// Where public listeners bind unless their registration says otherwise.
    pub bind: IpAddr,
    pub datacenter: Datacenter,
}

/// Makes the proxy engine's listeners equal what the registrations ask for.
pub(super) struct Sidecars {
    deps: SidecarDeps,
    assignments: watch::Receiver<Arc<Vec<ProxyAssignment>>>,
    open: HashMap<Wanted, ListenerHandle>,
    /// What could not be opened, so that the reason is logged once.
    failed: HashSet<Wanted>,
    /// Those who ask other datacenters.
    followers: TaskGroup,
}

impl Sidecars {
    pub fn new(deps: SidecarDeps, assignments: watch::Receiver<Arc<Vec<ProxyAssignment>>>) -> Self {
        let (open, failed, followers) = (HashMap::new(), HashSet::new(), TaskGroup::new());
        Self { deps, assignments, open, failed, followers }
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        while !shutdown.has_begun() {
            self.reconcile(&shutdown).await;
            tokio::select! {
                changed = self.assignments.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if !self.failed.is_empty() => {}
                () = shutdown.begun() => {}
            }
        }
        self.open.clear();
        self.followers.finish().await;
        self.deps.identities.finish().await;
    }

    /// Closes first, so that a port can change hands.
    async fn reconcile(&mut self, shutdown: &Shutdown) {
        let assignments = self.assignments.borrow_and_update().clone();
        let wanted = wanted(&assignments, self.deps.bind, &self.deps.datacenter);
        self.open.retain(|listener, _| wanted.contains(listener));
        self.failed.retain(|listener| wanted.contains(listener));
        self.deps.identities.keep(|service| assignments.iter().any(|a| a.source == *service));
        let missing: Vec<_> = wanted.into_iter().filter(|w| !self.open.contains_key(w)).collect();
        for listener in missing {
            self.try_open(listener, shutdown).await;
        }
    }

    async fn try_open(&mut self, listener: Wanted, shutdown: &Shutdown) {
        match self.open(&listener, shutdown).await {
            Ok(handle) => {
                tracing::info!(?listener, "proxy listens");
                self.failed.remove(&listener);
                self.open.insert(listener, handle);
            }
            Err(error) if self.failed.insert(listener.clone()) => {
                tracing::error!(%error, ?listener, "a proxy's listener could not be opened; trying again");
            }
            Err(_) => {}
        }
    }

    /// Those of another datacenter are asked for there.
    fn endpoints(
        &mut self,
        destination: &ServiceName,
        datacenter: &Datacenter,
        shutdown: &Shutdown,
    ) -> Arc<dyn Endpoints> {
        if *datacenter == self.deps.datacenter {
            return Arc::new(MeshEndpoints::new(self.deps.catalog.clone(), destination.clone(), None));
        }
        let elsewhere = self.deps.elsewhere.clone();
        let (follower, endpoints) = RemoteFollower::new(elsewhere, datacenter.clone(), destination.clone());
        self.followers.reap();
        self.followers.spawn("endpoints of another datacenter", follower.run(shutdown.clone()));
        Arc::new(endpoints)
    }

    async fn open(&mut self, listener: &Wanted, shutdown: &Shutdown) -> Result<ListenerHandle, OpenError> {
        match listener.clone() {
            Wanted::Inbound { bind, service, app } => {
                let (identity, authorize) =
                    (self.deps.identities.feed(&service, shutdown).await?, self.deps.authorize.clone());
                let app = resolve(&app).await?;
                Ok(self.deps.engine.inbound(InboundSpec { bind, service, app, identity, authorize })?)
            }
            Wanted::Outbound { bind, source, destination, datacenter } => {
                let identity = self.deps.identities.feed(&source, shutdown).await?;
                let endpoints = self.endpoints(&destination, &datacenter, shutdown);
                let spec = OutboundSpec { bind, source, destination, datacenter, identity, endpoints };
                Ok(self.deps.engine.outbound(spec)?)
            }
        }
    }
}

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error("the app's address {address:?} cannot be resolved: {reason}; use an IP address and port")]
    Resolve { address: String, reason: String },
}

async fn resolve(address: &str) -> Result<SocketAddr, OpenError> {
    let failed = |reason: String| OpenError::Resolve { address: address.to_owned(), reason };
    let mut found = tokio::net::lookup_host(address).await.map_err(|e| failed(e.to_string()))?;
    found.next().ok_or_else(|| failed("it has no address".to_owned()))
}
