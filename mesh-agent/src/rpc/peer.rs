use super::RpcError;
use crate::task::TaskGroup;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a peer is left alone that could not be reached: the first time, and at most.
const REST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// A connection that many share.
pub(super) trait Connection: Clone {
    fn is_open(&self) -> bool;
}

/// The task that moves a connection's bytes, for the pool to keep.
pub(super) type Driver = BoxFuture<'static, ()>;
/// Takes over drivers.
pub(super) type Drive = Arc<dyn Fn(Driver) + Send + Sync>;
/// A connection that is being made.
pub(super) type Dial<L> = BoxFuture<'static, Result<L, RpcError>>;

type Dialling<L> = Shared<Dial<L>>;

/// Keeps drivers as long as it lives.
pub(super) fn keep_drivers() -> Drive {
    let drivers = Mutex::new(TaskGroup::new());
    Arc::new(move |driver| {
        let mut drivers = drivers.lock().unwrap_or_else(PoisonError::into_inner);
        drivers.reap();
        drivers.spawn("rpc connection to a peer", driver);
    })
}

/// Peers by their addresses.
pub(super) struct Peers<L: Connection> {
    known: Mutex<HashMap<SocketAddr, Arc<Peer<L>>>>,
    /// So many are remembered before those without a connection are forgotten.
    remembered: usize,
}

impl<L: Connection> Peers<L> {
    pub(super) fn new(remembered: usize) -> Self {
        Self { known: Mutex::default(), remembered }
    }

    pub(super) fn at(&self, address: SocketAddr) -> Arc<Peer<L>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.remembered {
            known.retain(|_, peer| !peer.is_idle());
        }
        known.entry(address).or_insert_with(|| Arc::new(Peer::new(address))).clone()
    }
}

/// One peer and the connection to it.
pub(super) struct Peer<L: Connection> {
    address: SocketAddr,
    state: Mutex<State<L>>,
}

struct State<L: Connection> {
    dialling: Option<Dialling<L>>,
    failures: u32,
    /// When dialling failed last.
    failed: Option<(Instant, RpcError)>,
}

impl<L: Connection> Peer<L> {
    fn new(address: SocketAddr) -> Self {
        let state = State { dialling: None, failures: 0, failed: None };
        Self { address, state: Mutex::new(state) }
    }

    /// Whether there is no connection, nor one under way.
    fn is_idle(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.dialling.as_ref().is_none_or(|d| d.peek().is_some_and(|line| !is_open(line)))
    }

    /// The connection that there is, or the one that is being made: whoever asks meanwhile shares it.
    pub(super) async fn line(&self, dial: impl FnOnce(SocketAddr) -> Dial<L>) -> Result<L, RpcError> {
        let dialling = self.dialling(dial)?;
        let line = dialling.clone().await;
        self.note(&dialling, &line);
        line
    }

    fn dialling(&self, dial: impl FnOnce(SocketAddr) -> Dial<L>) -> Result<Dialling<L>, RpcError> {
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
        let dialling = dial(self.address).shared();
        state.dialling = Some(dialling.clone());
        Ok(dialling)
    }

    /// The first who sees the end of an attempt to dial notes it.
    fn note(&self, dialling: &Dialling<L>, line: &Result<L, RpcError>) {
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

fn is_open<L: Connection>(line: &Result<L, RpcError>) -> bool {
    line.as_ref().is_ok_and(Connection::is_open)
}

fn rest(failures: u32) -> Duration {
    (REST.0 * 2_u32.saturating_pow(failures.saturating_sub(1).min(16))).min(REST.1)
}
