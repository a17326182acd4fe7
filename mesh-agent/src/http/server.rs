use super::call::Peer;
use super::connection;
use super::deps::Deps;
use super::front::Front;
use super::limits::{Admissions, HttpLimits, Seat};
use super::refusal::Refusals;
use crate::task::{Shutdown, Workers};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel keeps for us until they are accepted.
const BACKLOG: u32 = 4096;
/// How long accepting rests when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The HTTP API on one address.
pub struct HttpServer {
    listener: TcpListener,
    front: Front,
    limits: HttpLimits,
    workers: Workers,
}

impl HttpServer {
    /// Listens at once; answers from [`HttpServer::run`] on.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn bind(address: SocketAddr, deps: &Deps, limits: HttpLimits) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let (listener, workers) = (socket.listen(BACKLOG)?, Workers::start("mesh-http")?);
        Ok(Self { listener, front: Front::new(deps, limits), limits, workers })
    }

    /// Where it listens, with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until shutdown begins, then lets requests under way end.
    pub async fn run(self, shutdown: Shutdown) {
        let (admissions, mut refusals) = (Admissions::new(self.limits), Refusals::default());
        loop {
            let (stream, client) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        rest(&error).await;
                        continue;
                    }
                },
                () = shutdown.begun() => break,
            };
            match admissions.admit(client.ip()) {
                Some(seat) => self.serve(stream, client, seat, &shutdown).await,
                None => refusals.refuse(stream, client),
            }
        }
        drop(self.listener);
        self.workers.finish().await;
    }

    async fn serve(&self, stream: TcpStream, address: SocketAddr, seat: Seat, shutdown: &Shutdown) {
        let peer = Peer { address, hurried: seat.is_overflow() };
        let (front, limits, shutdown) = (self.front.clone(), self.limits, shutdown.clone());
        let task = async move {
            match moved_here(stream) {
                Ok(stream) => connection::serve(stream, front, peer, limits, shutdown).await,
                Err(error) => tracing::warn!(client = %address, %error, "a connection could not be served"),
            }
            drop(seat);
        };
        self.workers.spawn(task).await;
    }
}

/// A stream is woken by the runtime that it was made on.
fn moved_here(stream: TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?)
}

/// A client that is gone already is no reason to rest; a process without descriptors is.
async fn rest(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
