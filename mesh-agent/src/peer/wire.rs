use super::question::method;
use crate::pki::cluster::ClusterTls;
use crate::raft::{Transport, TransportError};
use crate::rpc::{Messenger, Pool, RpcLimits};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// Carries the messages of Raft, on connections of their own: nothing large goes before a heartbeat.
pub struct RaftWire {
    messages: Messenger,
    calls: Pool,
}

/// A longer message is a call, which shares its connection with others of its kind a piece at a time.
const SMALL: usize = 32 << 10;

impl RaftWire {
    pub fn new(tls: ClusterTls) -> Self {
        let limits = RpcLimits::default();
        Self { messages: Messenger::new(method::RAFT, tls.clone(), limits), calls: Pool::new(tls, limits) }
    }

    async fn carry(&self, address: &str, message: Vec<u8>, deadline: Duration) -> Result<Bytes, String> {
        let peer = address.parse().map_err(|_| "its address is no ip:port".to_owned())?;
        let message = Bytes::from(message);
        let answer = if message.len() <= SMALL {
            self.messages.send(peer, message, deadline).await
        } else {
            self.calls.call_raw(peer, method::RAFT, message, deadline).await
        };
        answer.map_err(|error| error.to_string())
    }
}

impl Transport for RaftWire {
    fn send<'a>(
        &'a self,
        address: &'a str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let carried = self.carry(address, message, deadline).await.map(Into::into);
            carried.map_err(|reason| TransportError { address: address.to_owned(), reason })
        })
    }
}
