use crate::pki::cluster::NodeIdentity;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use std::net::SocketAddr;

/// What a peer asks for.
#[derive(Clone, Debug)]
pub struct Call {
    /// As its certificate says.
    pub peer: NodeIdentity,
    pub address: SocketAddr,
    pub method: String,
    pub body: Bytes,
}

/// What a peer is given.
pub enum Reply {
    One(Bytes),
    /// Frame after frame, as fast as the peer takes them.
    Frames(BoxStream<'static, Bytes>),
}

/// Why a peer is given nothing. It is told the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    pub reason: String,
}

impl Refusal {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Answers calls. Dropped futures are calls whose caller has gone.
pub trait Handler: Send + Sync {
    /// The largest body that this peer may send for this method, in bytes; 0 if it may not call it.
    fn most(&self, peer: &NodeIdentity, method: &str) -> usize;
    fn answer(&self, call: Call) -> BoxFuture<'_, Result<Reply, Refusal>>;
}
