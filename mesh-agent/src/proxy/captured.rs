use super::authorize::Authorize;
use super::endpoints::Endpoints;
use super::identity::IdentityFeed;
use super::listener::{OutboundRoute, Route};
use crate::model::{Datacenter, ServiceName};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Knows which connections the kernel has sent to a transparent listener, and from whom to whom. The
/// consumer's port: the kernel lives elsewhere.
pub trait Captures: Send + Sync + 'static {
    /// The way of a connection that was sent here; `None` for one that came by itself. Called on a worker
    /// thread for each connection, so it must not block.
    fn way(&self, accepted: &TcpStream) -> Option<Way>;
}

/// A listener of no service: each of its connections brings its own source and destination.
pub struct TransparentSpec {
    /// On the loopback.
    pub bind: SocketAddr,
    pub captures: Arc<dyn Captures>,
}

/// From one service of this host to another service.
pub struct WaySpec {
    pub source: ServiceName,
    pub destination: ServiceName,
    /// The destination's datacenter.
    pub datacenter: Datacenter,
    /// The source's identity.
    pub identity: IdentityFeed,
    pub endpoints: Arc<dyn Endpoints>,
    /// Asked for each connection before an instance is dialled, and again when policy changes. The
    /// destination decides all the same.
    pub authorize: Arc<dyn Authorize>,
}

/// What [`WaySpec`] says, ready to be used by many connections. Clones share it.
#[derive(Clone)]
pub struct Way(pub(super) Arc<Route>);

impl Way {
    pub fn new(spec: WaySpec) -> Self {
        let WaySpec { source, destination, datacenter, identity, endpoints, authorize } = spec;
        let route = OutboundRoute::new(source, destination, datacenter, identity, endpoints);
        Self(Arc::new(Route::Outbound(OutboundRoute { authorize: Some(authorize), ..route })))
    }
}
