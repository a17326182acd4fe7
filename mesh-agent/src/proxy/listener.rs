use super::authorize::Authorize;
use super::captured::{Captures, TransparentSpec};
use super::config::{ClientConfigs, ServerConfigs};
use super::crew::Crew;
use super::endpoints::Endpoints;
use super::error::ProxyError;
use super::identity::IdentityFeed;
use super::leg::{keepalive, unwaiting};
use super::mailbox::Mail;
use super::repeats::Repeats;
use crate::model::{Datacenter, ServiceName};
use socket2::SockRef;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;

/// A public listener of one service.
pub struct InboundSpec {
    pub bind: SocketAddr,
    /// The service that is reached; what clients are authorized for.
    pub service: ServiceName,
    /// Where the application listens.
    pub app: SocketAddr,
    pub identity: IdentityFeed,
    pub authorize: Arc<dyn Authorize>,
}

/// A local listener through which one service reaches another.
pub struct OutboundSpec {
    pub bind: SocketAddr,
    pub source: ServiceName,
    pub destination: ServiceName,
    /// The destination's datacenter.
    pub datacenter: Datacenter,
    /// The source's identity.
    pub identity: IdentityFeed,
    pub endpoints: Arc<dyn Endpoints>,
}

/// What is done with a connection.
pub(super) enum Route {
    Inbound(InboundRoute),
    Outbound(OutboundRoute),
}

pub(super) struct InboundRoute {
    pub service: ServiceName,
    pub app: SocketAddr,
    pub configs: ServerConfigs,
    pub authorize: Arc<dyn Authorize>,
}

pub(super) struct OutboundRoute {
    pub source: ServiceName,
    pub destination: ServiceName,
    pub configs: ClientConfigs,
    pub endpoints: Arc<dyn Endpoints>,
    /// Asked before an instance is dialled; absent where the listener itself says who connects.
    pub authorize: Option<Arc<dyn Authorize>>,
    /// An application that retries would fill the log with what it says already.
    pub without_endpoint: Repeats,
}

impl OutboundRoute {
    pub fn new(
        source: ServiceName,
        destination: ServiceName,
        datacenter: Datacenter,
        identity: IdentityFeed,
        endpoints: Arc<dyn Endpoints>,
    ) -> Self {
        let configs = ClientConfigs::new(identity, destination.clone(), datacenter);
        let without_endpoint = Repeats::default();
        Self { source, destination, configs, endpoints, authorize: None, without_endpoint }
    }
}

impl From<InboundSpec> for Route {
    fn from(spec: InboundSpec) -> Self {
        let InboundSpec { bind: _, service, app, identity, authorize } = spec;
        Self::Inbound(InboundRoute { service, app, configs: ServerConfigs::new(identity), authorize })
    }
}

impl From<OutboundSpec> for Route {
    fn from(spec: OutboundSpec) -> Self {
        let OutboundSpec { bind: _, source, destination, datacenter, identity, endpoints } = spec;
        Self::Outbound(OutboundRoute::new(source, destination, datacenter, identity, endpoints))
    }
}

/// Where the connections of a listener go.
pub(super) enum Leads {
    /// All of them the same way.
    To(Arc<Route>),
    /// Each where the kernel sent it.
    ByCapture(Arc<dyn Captures>),
}

impl<T: Into<Route>> From<T> for Leads {
    fn from(spec: T) -> Self {
        Self::To(Arc::new(spec.into()))
    }
}

impl From<TransparentSpec> for Leads {
    fn from(spec: TransparentSpec) -> Self {
        Self::ByCapture(spec.captures)
    }
}

/// Unique in one engine.
pub(super) type ListenerId = u32;

/// A listening socket that the workers share.
pub(super) struct Listener {
    pub id: ListenerId,
    pub socket: TcpListener,
    leads: Leads,
}

impl Listener {
    pub fn bind(id: ListenerId, service: &str, bind: SocketAddr, leads: Leads) -> Result<Self, ProxyError> {
        let socket = listen(bind).map_err(|source| ProxyError::bind(service, bind, source))?;
        Ok(Self { id, socket, leads })
    }

    /// What is done with a connection that was accepted; `None` if nobody sent it here.
    pub fn route_of(&self, accepted: &TcpStream) -> Option<Arc<Route>> {
        match &self.leads {
            Leads::To(route) => Some(route.clone()),
            Leads::ByCapture(captures) => captures.way(accepted).map(|way| way.0),
        }
    }
}

/// Accepted sockets inherit the options.
fn listen(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = unwaiting(bind)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keepalive())?;
    socket.bind(&bind.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Listens as long as it lives. Connections that came through it outlive it.
#[must_use = "dropping the handle stops listening"]
pub struct ListenerHandle {
    listener: Arc<Listener>,
    crew: Arc<Crew>,
    local_addr: SocketAddr,
}

impl ListenerHandle {
    pub(super) fn new(listener: Listener, crew: Arc<Crew>) -> io::Result<Self> {
        let local_addr = listener.socket.local_addr()?;
        let listener = Arc::new(listener);
        for mailbox in crew.mailboxes() {
            mailbox.post(Mail::Listen(listener.clone()));
        }
        Ok(Self { listener, crew, local_addr })
    }

    /// The address it listens on, with the port that was chosen if none was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for ListenerHandle {
    fn drop(&mut self) {
        // From here on connections are refused, though workers still hold the socket.
        SockRef::from(&self.listener.socket).shutdown(Shutdown::Both).ok();
        for mailbox in self.crew.mailboxes() {
            mailbox.post(Mail::Unlisten(self.listener.id));
        }
    }
}
