use super::handler::Handler;
use super::limits::{CONNECTION_WINDOW, STREAM_WINDOW};
use super::service::Service;
use super::{RpcLimits, messages, socket};
use crate::pki::cluster::{ClusterTls, NodeIdentity};
use crate::task::{Shutdown, TaskGroup};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The connections that peers have made, and how many there may be.
pub(super) struct Connections {
    shared: Arc<Shared>,
    seats: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
}

struct Shared {
    tls: ClusterTls,
    /// Takes calls and messages.
    server: Arc<ServerConfig>,
    handler: Arc<dyn Handler>,
    limits: RpcLimits,
}

/// Why a connection was not served.
#[derive(Debug, thiserror::Error)]
enum Unserved {
    #[error("the handshake took too long")]
    Slow,
    #[error("the handshake failed: {0}")]
    Handshake(#[from] std::io::Error),
    #[error("it showed no certificate")]
    Nameless,
    #[error(transparent)]
    Identity(#[from] crate::pki::cluster::TrustError),
    #[error("the connection ended abnormally: {0}")]
    Ended(#[from] hyper::Error),
    #[error("the connection for messages ended abnormally: {0}")]
    Messages(#[source] std::io::Error),
}

impl Connections {
    pub(super) fn new(tls: ClusterTls, handler: Arc<dyn Handler>, limits: RpcLimits) -> Self {
        let seats = Arc::new(Semaphore::new(limits.connections));
        let handshakes = Arc::new(Semaphore::new(limits.handshakes));
        let mut server = ServerConfig::clone(&tls.server);
        server.alpn_protocols.push(messages::PROTOCOL.to_vec());
        let shared = Shared { tls, server: Arc::new(server), handler, limits };
        Self { shared: Arc::new(shared), seats, handshakes }
    }

    /// A peer that there is no room for is told by the end of its connection.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        shutdown: &Shutdown,
        tasks: &mut TaskGroup,
    ) {
        let seat = self.seats.clone().try_acquire_owned();
        let entrance = self.handshakes.clone().try_acquire_owned();
        let (Ok(seat), Ok(entrance)) = (seat, entrance) else {
            metrics::counter!("rpc.refused_conns").increment(1);
            tracing::warn!(%peer, "too many connections from peers: one was closed");
            return;
        };
        let (shared, shutdown) = (self.shared.clone(), shutdown.clone());
        tasks.spawn("rpc connection", async move {
            if let Err(error) = shared.serve(stream, peer, entrance, shutdown).await {
                tracing::debug!(%peer, %error, "a peer's connection was not served to its end");
            }
            drop(seat);
        });
    }
}

impl Shared {
    async fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        entrance: OwnedSemaphorePermit,
        shutdown: Shutdown,
    ) -> Result<(), Unserved> {
        socket::hasten(&stream);
        let handshake = TlsAcceptor::from(self.server.clone()).accept(stream);
        let handshake = tokio::time::timeout(self.limits.handshake_timeout, handshake);
        let stream = tokio::select! {
            shaken = handshake => shaken.map_err(|_| Unserved::Slow)?,
            () = shutdown.begun() => return Ok(()),
        };
        let stream = stream.inspect_err(|error| {
            metrics::counter!("rpc.strangers").increment(1);
            tracing::warn!(%peer, %error, "a peer could not prove that it belongs to this cluster");
        })?;
        drop(entrance);
        let identity = self.identify(&stream)?;
        self.exchange(stream, peer, identity, shutdown).await
    }

    fn identify(&self, stream: &TlsStream<TcpStream>) -> Result<NodeIdentity, Unserved> {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        Ok(self.tls.identify(certificates.first().ok_or(Unserved::Nameless)?)?)
    }

    async fn exchange(
        &self,
        stream: TlsStream<TcpStream>,
        address: SocketAddr,
        peer: NodeIdentity,
        shutdown: Shutdown,
    ) -> Result<(), Unserved> {
        let service = Arc::new(Service { handler: self.handler.clone(), peer, address, limits: self.limits });
        if stream.get_ref().1.alpn_protocol() == Some(messages::PROTOCOL) {
            let served = messages::serve(stream, service, self.limits, shutdown).await;
            return served.map_err(Unserved::Messages);
        }
        let service = service_fn(move |request| service.clone().answer(request));
        let connection =
            builder(&self.limits).serve_connection(TokioIo::new(socket::gathered(stream)), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = shutdown.begun() => connection.as_mut().graceful_shutdown(),
        }
        // Streams would go on for ever: what has not ended by then is cut.
        tokio::time::timeout(self.limits.drain, connection).await.unwrap_or(Ok(()))?;
        Ok(())
    }
}

fn builder(limits: &RpcLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.keep_alive_timeout);
    builder
}
