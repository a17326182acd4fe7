use super::body::AnyBody;
use super::limits::{CONNECTION_WINDOW, STREAM_WINDOW};
use super::peer::{Connection, Drive};
use super::{RpcError, RpcLimits, socket};
use crate::pki::cluster::ClusterTls;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One connection that calls share.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) sender: SendRequest<AnyBody>,
    usage: Arc<Usage>,
}

impl Connection for Line {
    fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// A connection to a peer that has proved who it is.
pub(super) async fn shake_hands(
    peer: SocketAddr,
    tls: &ClusterTls,
    client: Arc<ClientConfig>,
    limits: &RpcLimits,
) -> Result<TlsStream<TcpStream>, RpcError> {
    let stream = socket::connect(peer, limits.connect_timeout)
        .await
        .map_err(|error| RpcError::Connect { peer, reason: error.to_string() })?;
    let refused = |reason: String| RpcError::Handshake { peer, reason };
    let shaken = TlsConnector::from(client).connect(tls.server_name.clone(), stream);
    let shaken = tokio::time::timeout(limits.handshake_timeout, shaken).await;
    shaken
        .map_err(|_| refused(format!("no end of the handshake within {:?}", limits.handshake_timeout)))?
        .map_err(|error| refused(error.to_string()))
}

pub(super) async fn dial(
    peer: SocketAddr,
    tls: ClusterTls,
    limits: RpcLimits,
    drive: Drive,
) -> Result<Line, RpcError> {
    let stream = shake_hands(peer, &tls, tls.client.clone(), &limits).await?;
    let refused = |reason: String| RpcError::Handshake { peer, reason };
    let connected = builder(&limits).handshake(TokioIo::new(socket::gathered(stream))).await;
    let (sender, connection) = connected.map_err(|error| refused(error.to_string()))?;
    let usage = Arc::<Usage>::default();
    let (watched, idle) = (usage.clone(), limits.idle);
    drive(Box::pin(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%peer, %error, "the connection to a peer broke");
            },
            () = watched.idle_for(idle) => {}
        }
    }));
    Ok(Line { sender, usage })
}

fn builder(limits: &RpcLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.keep_alive_timeout);
    builder
}

impl Line {
    /// As long as this lives, the connection is not idle.
    pub(super) fn hold(&self) -> InUse {
        self.usage.calls.fetch_add(1, Ordering::AcqRel);
        InUse(self.usage.clone())
    }
}

/// How many calls a connection serves, and when the last one ended.
struct Usage {
    calls: AtomicUsize,
    ended: Mutex<Instant>,
}

impl Default for Usage {
    fn default() -> Self {
        Self { calls: AtomicUsize::new(0), ended: Mutex::new(Instant::now()) }
    }
}

impl Usage {
    /// Completes when there was no call for so long.
    async fn idle_for(&self, idle: Duration) {
        loop {
            tokio::time::sleep(idle / 4).await;
            let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            if self.calls.load(Ordering::Acquire) == 0 && ended.elapsed() >= idle {
                return;
            }
        }
    }
}

/// One call's share of a connection.
pub(super) struct InUse(Arc<Usage>);

impl Drop for InUse {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}
