use super::handler::Handler;
use super::{Across, DnsOptions, tcp};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::task::{Shutdown, TaskGroup};
use hickory_server::Server;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, UdpSocket};

/// The DNS door: UDP and TCP on the same ports.
pub struct DnsServer {
    sockets: Vec<Sockets>,
    handler: Handler,
    limits: tcp::Limits,
}

pub(super) struct Sockets {
    pub address: SocketAddr,
    pub udp: UdpSocket,
    pub tcp: TcpListener,
}

/// Why the door cannot open.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for DNS on {address} ({transport}): {source}; choose another with ports.dns or -dns-port"
)]
pub struct BindError {
    pub address: SocketAddr,
    pub transport: &'static str,
    #[source]
    pub source: io::Error,
}

/// How often a port that the system chose for TCP may turn out to be taken for UDP.
const ATTEMPTS: usize = 16;

impl DnsServer {
    /// Port 0 lets the system choose; see [`DnsServer::addresses`].
    ///
    /// # Errors
    /// An address is taken, or not this host's.
    pub async fn bind(
        mut options: DnsOptions,
        catalog: Catalog,
        clock: Clock,
        across: Arc<dyn Across>,
        addresses: &[SocketAddr],
    ) -> Result<Self, BindError> {
        let mut sockets = Vec::with_capacity(addresses.len());
        for address in addresses {
            sockets.push(Sockets::bind(*address).await?);
        }
        options.recursors.retain(|recursor| !is_own(*recursor, &sockets));
        let limits = tcp::Limits { connections: options.tcp_connections, deadline: options.tcp_deadline };
        Ok(Self { sockets, limits, handler: Handler::new(options, catalog, clock, across) })
    }

    /// Where it listens.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|s| s.address)
    }

    /// Serves until shutdown begins.
    pub async fn run(self, shutdown: Shutdown) {
        let mut datagrams = Server::new(self.handler.clone());
        let mut connections = TaskGroup::new();
        for Sockets { udp, tcp, .. } in self.sockets {
            datagrams.register_socket(udp);
            connections
                .spawn("dns-tcp", tcp::serve(tcp, self.handler.clone(), self.limits, shutdown.clone()));
        }
        shutdown.begun().await;
        if let Err(error) = datagrams.shutdown_gracefully().await {
            tracing::warn!(%error, "a DNS socket had failed before shutdown");
        }
        connections.finish().await;
    }
}

/// A server that asks itself asks for ever.
fn is_own(recursor: SocketAddr, sockets: &[Sockets]) -> bool {
    let own = sockets.iter().any(|s| s.address == recursor);
    if own {
        tracing::warn!(%recursor, "this agent's own address is left out of its recursors");
    }
    own
}

impl Sockets {
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let mut bound = Self::bind_once(address).await;
        for _ in 1..ATTEMPTS {
            if address.port() != 0 || bound.is_ok() {
                break;
            }
            bound = Self::bind_once(address).await;
        }
        bound
    }

    async fn bind_once(wanted: SocketAddr) -> Result<Self, BindError> {
        let failed = |transport| move |source| BindError { address: wanted, transport, source };
        let tcp = TcpListener::bind(wanted).await.map_err(failed("tcp"))?;
        let address = tcp.local_addr().map_err(failed("tcp"))?;
        let udp = UdpSocket::bind(address).await.map_err(failed("udp"))?;
        Ok(Self { address, udp, tcp })
    }
}
