use super::{GossipError, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// Datagrams over the network.
pub struct UdpTransport(tokio::net::UdpSocket);

/// Room for what arrives while the agent is busy.
const BUFFER: usize = 2 << 20;

impl UdpTransport {
    /// # Errors
    /// The address is taken, or not this machine's.
    pub fn bind(bind: SocketAddr) -> Result<Self, GossipError> {
        let socket = open(bind).and_then(tokio::net::UdpSocket::from_std);
        socket.map(Self).map_err(|source| GossipError::Bind { bind, source })
    }

    /// # Errors
    /// The system does not say.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

fn open(bind: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
    // A wish: the system grants what it allows.
    let _ = socket.set_recv_buffer_size(BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&bind.into())?;
    Ok(socket.into())
}

impl Transport for UdpTransport {
    fn send(&self, to: SocketAddr, datagram: &[u8]) {
        if let Err(error) = self.0.try_send_to(datagram, to) {
            metrics::counter!("gossip.send.failed").increment(1);
            tracing::debug!(%to, %error, "a gossip datagram was not sent");
        }
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.recv_from(buffer).await.map(canonical)
    }

    fn try_receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.0.try_recv_from(buffer).ok().map(canonical)
    }
}

/// An IPv4 address in its IPv6 spelling is itself.
fn canonical((length, from): (usize, SocketAddr)) -> (usize, SocketAddr) {
    (length, SocketAddr::new(from.ip().to_canonical(), from.port()))
}
