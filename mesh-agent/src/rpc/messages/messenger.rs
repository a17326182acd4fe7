use super::PROTOCOL;
use super::frame::Answer;
use super::line::MessageLine;
use crate::pki::cluster::ClusterTls;
use crate::rpc::peer::{Dial, Drive, Peers, keep_drivers};
use crate::rpc::{RpcError, RpcLimits};
use bytes::Bytes;
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Peers that are remembered before those without a connection are forgotten.
const REMEMBERED: usize = 64;

/// Sends messages for one method, by one connection to each peer. Dropping it closes all.
pub struct Messenger {
    method: &'static str,
    tls: ClusterTls,
    client: Arc<ClientConfig>,
    limits: RpcLimits,
    peers: Peers<MessageLine>,
    drive: Drive,
}

impl Messenger {
    pub fn new(method: &'static str, tls: ClusterTls, limits: RpcLimits) -> Self {
        let mut client = ClientConfig::clone(&tls.client);
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        let (client, drive) = (Arc::new(client), keep_drivers());
        Self { method, tls, client, limits, peers: Peers::new(REMEMBERED), drive }
    }

    /// Sends a message and waits for its answer, `patience` at most, connecting included.
    ///
    /// # Errors
    /// See [`RpcError::may_have_been_taken`].
    pub async fn send(&self, peer: SocketAddr, body: Bytes, patience: Duration) -> Result<Bytes, RpcError> {
        let answered = timeout(patience, self.ask(peer, body)).await;
        answered.map_err(|_| RpcError::Deadline { peer, method: self.method, waited: patience })?
    }

    async fn ask(&self, peer: SocketAddr, body: Bytes) -> Result<Bytes, RpcError> {
        let line = self.peers.at(peer).line(|peer| self.dial(peer)).await?;
        let method = self.method;
        match line.send(body).await {
            Some(Answer::Given(answer)) => Ok(answer),
            Some(Answer::Refused(reason)) => {
                let reason = String::from_utf8_lossy(&reason).into_owned();
                Err(RpcError::Refused { peer, method, reason })
            }
            None => Err(RpcError::Broken { peer, method, reason: "before there was an answer".to_owned() }),
        }
    }

    fn dial(&self, peer: SocketAddr) -> Dial<MessageLine> {
        let tls = (self.tls.clone(), self.client.clone());
        Box::pin(MessageLine::dial((peer, self.method), tls, self.limits, self.drive.clone()))
    }
}
