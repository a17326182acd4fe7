use super::question::method;
use crate::raft::{Transport, TransportError};
use crate::rpc::Pool;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// Carries the messages of Raft over calls.
pub struct RaftWire(pub Pool);

impl RaftWire {
    async fn carry(&self, address: &str, message: Vec<u8>, deadline: Duration) -> Result<Vec<u8>, String> {
        let peer = address.parse().map_err(|_| "its address is no ip:port".to_owned())?;
        let answer = self.0.call_raw(peer, method::RAFT, message.into(), deadline).await;
        answer.map(Into::into).map_err(|error| error.to_string())
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
            let carried = self.carry(address, message, deadline).await;
            carried.map_err(|reason| TransportError { address: address.to_owned(), reason })
        })
    }
}
