use super::body::AnyBody;
use super::limits::{CONNECTION_WINDOW, STREAM_WINDOW};
use super::{RpcError, RpcLimits, socket};
use crate::pki::cluster::ClusterTls;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// How long a peer is left alone that could not be reached: the first time, and at most.
const REST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// One connection that calls share.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) sender: SendRequest<AnyBody>,
    usage: Arc<Usage>,
}

/// The task that moves a connection's bytes, for the pool to keep.
pub(super) type Driver = BoxFuture<'static, ()>;
/// Takes over drivers.
pub(super) type Drive = Arc<dyn Fn(Driver) + Send + Sync>;

type Dialling = Shared<BoxFuture<'static, Result<Line, RpcError>>>;

/// One peer and the connection to it.
pub(super) struct Peer {
    address: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dialling: Option<Dialling>,
    failures: u32,
    /// When dialling failed last.
    failed: Option<(Instant, RpcError)>,
}

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, state: Mutex::default() }
    }

    /// Whether there is no connection, nor one under way.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.dialling.as_ref().is_none_or(|d| d.peek().is_some_and(|line| !is_open(line)))
    }

    /// The connection that there is, or the one that is being made: whoever asks meanwhile shares it.
    pub(super) async fn line(
        &self,
        tls: &ClusterTls,
        limits: &RpcLimits,
        drive: &Drive,
    ) -> Result<Line, RpcError> {
        let dialling = self.dialling(tls, limits, drive)?;
        let line = dialling.clone().await;
        self.note(&dialling, &line);
        line
    }

    fn dialling(&self, tls: &ClusterTls, limits: &RpcLimits, drive: &Drive) -> Result<Dialling, RpcError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dialling) = &state.dialling
            && dialling.peek().is_none_or(is_open)
        {
            return Ok(dialling.clone());
        }
        if let Some((failed, error)) = &state.failed
            && failed.elapsed() < rest(state.failures)
        {
            return Err(RpcError::Resting { peer: self.address, reason: error.to_string() });
        }
        let dialling = dial(self.address, tls.clone(), *limits, drive.clone()).boxed().shared();
        state.dialling = Some(dialling.clone());
        Ok(dialling)
    }

    /// The first who sees the end of an attempt to dial notes it.
    fn note(&self, dialling: &Dialling, line: &Result<Line, RpcError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.dialling.as_ref().is_some_and(|current| current.ptr_eq(dialling)) {
            return;
        }
        match line {
            Ok(_) => (state.failures, state.failed) = (0, None),
            Err(error) => {
                state.dialling = None;
                state.failures = state.failures.saturating_add(1);
                state.failed = Some((Instant::now(), error.clone()));
            }
        }
    }
}

fn is_open(line: &Result<Line, RpcError>) -> bool {
    line.as_ref().is_ok_and(|line| !line.sender.is_closed())
}

fn rest(failures: u32) -> Duration {
    (REST.0 * 2_u32.saturating_pow(failures.saturating_sub(1).min(16))).min(REST.1)
}

async fn dial(peer: SocketAddr, tls: ClusterTls, limits: RpcLimits, drive: Drive) -> Result<Line, RpcError> {
    let stream = socket::connect(peer, limits.connect_timeout)
        .await
        .map_err(|error| RpcError::Connect { peer, reason: error.to_string() })?;
    let refused = |reason: String| RpcError::Handshake { peer, reason };
    let shaken = TlsConnector::from(tls.client.clone()).connect(tls.server_name.clone(), stream);
    let shaken = tokio::time::timeout(limits.handshake_timeout, shaken).await;
    let stream = shaken
        .map_err(|_| refused(format!("no end of the handshake within {:?}", limits.handshake_timeout)))?
        .map_err(|error| refused(error.to_string()))?;
    let connected = builder(&limits).handshake(TokioIo::new(stream)).await;
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
