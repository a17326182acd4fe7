use futures_util::future::BoxFuture;
use std::time::Duration;

/// Carries a message to another server, and its answer back. The house provides it.
pub trait Transport: Send + Sync {
    /// `address` is the server's RPC address as `ip:port`. After `deadline` nobody waits for the answer.
    fn send<'a>(
        &'a self,
        address: &'a str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>>;
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("server {address} does not answer: {reason}")]
pub struct TransportError {
    pub address: String,
    pub reason: String,
}

/// The transport of a server that has no peers.
pub struct NoPeers;

impl Transport for NoPeers {
    fn send<'a>(
        &'a self,
        address: &'a str,
        _message: Vec<u8>,
        _deadline: Duration,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        let reason = "this server was started without a peer network".to_owned();
        Box::pin(async { Err(TransportError { address: address.to_owned(), reason }) })
    }
}
