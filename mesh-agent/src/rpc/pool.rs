use super::body::whole;
use super::call::{Kind, REASON};
use super::codec::{decode, encode};
use super::frames::Frames;
use super::line::{Line, dial};
use super::peer::{Dial, Drive, Peers, keep_drivers};
use super::{RpcError, RpcLimits};
use crate::pki::cluster::ClusterTls;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Peers that are remembered before those without a connection are forgotten.
const REMEMBERED: usize = 256;

/// Calls peers, by one connection to each. Clones share everything; dropping the last one closes all.
#[derive(Clone)]
pub struct Pool {
    tls: ClusterTls,
    limits: RpcLimits,
    peers: Arc<Peers<Line>>,
    drive: Drive,
}

/// A call under way.
#[derive(Clone, Copy)]
struct Target {
    peer: SocketAddr,
    method: &'static str,
}

impl Pool {
    pub fn new(tls: ClusterTls, limits: RpcLimits) -> Self {
        Self { tls, limits, peers: Arc::new(Peers::new(REMEMBERED)), drive: keep_drivers() }
    }

    /// Asks a peer and waits for its one answer, `patience` at most, connecting included.
    ///
    /// # Errors
    /// See [`RpcError::may_have_been_taken`].
    pub async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        peer: SocketAddr,
        method: &'static str,
        question: &Q,
        patience: Duration,
    ) -> Result<A, RpcError> {
        let answer = self.call_raw(peer, method, encode("a question", question)?, patience).await?;
        decode("an answer", &answer)
    }

    /// The same with bodies that are encoded already.
    ///
    /// # Errors
    /// As [`Pool::call`].
    pub async fn call_raw(
        &self,
        peer: SocketAddr,
        method: &'static str,
        body: Bytes,
        patience: Duration,
    ) -> Result<Bytes, RpcError> {
        let target = Target { peer, method };
        let answered = timeout(patience, self.ask(target, body)).await;
        answered.map_err(|_| RpcError::Deadline { peer, method, waited: patience })?
    }

    /// Asks a peer for frames. `patience` is for the first sign of an answer: frames may come at any time.
    ///
    /// # Errors
    /// As [`Pool::call`].
    pub async fn stream<Q: Serialize>(
        &self,
        peer: SocketAddr,
        method: &'static str,
        question: &Q,
        patience: Duration,
    ) -> Result<Frames, RpcError> {
        let target = Target { peer, method };
        let body = encode("a question", question)?;
        let sent = timeout(patience, self.send(target, body)).await;
        let (response, line) = sent.map_err(|_| RpcError::Deadline { peer, method, waited: patience })??;
        match Kind::read(response.headers()) {
            Some(Kind::Frames) => {
                Ok(Frames::new(response.into_body(), self.limits.answer, peer, method, line.hold()))
            }
            kind => Err(self.no_answer(target, kind, response).await),
        }
    }

    async fn ask(&self, target: Target, body: Bytes) -> Result<Bytes, RpcError> {
        let (response, line) = self.send(target, body).await?;
        let _in_use = line.hold();
        match Kind::read(response.headers()) {
            Some(Kind::One) => target.read(response, self.limits.answer).await,
            kind => Err(self.no_answer(target, kind, response).await),
        }
    }

    /// A connection may have ended just now: what was not taken by it is sent by another, once.
    async fn send(&self, target: Target, body: Bytes) -> Result<(Response<Incoming>, Line), RpcError> {
        let peer = self.peers.at(target.peer);
        let mut again = true;
        loop {
            let mut line = peer.line(|address| self.dial(address)).await?;
            let in_use = line.hold();
            let request = target.request(body.clone());
            match line.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, line)),
                Err(mut error) => {
                    if !again || error.take_message().is_none() {
                        return Err(target.broken(error.error()));
                    }
                    again = false;
                }
            }
            drop(in_use);
        }
    }

    async fn no_answer(&self, target: Target, kind: Option<Kind>, response: Response<Incoming>) -> RpcError {
        let Target { peer, method } = target;
        if kind != Some(Kind::Refusal) {
            return RpcError::Unreadable { what: "an answer", reason: "it is of another kind".to_owned() };
        }
        match timeout(self.limits.body_timeout, target.read(response, REASON)).await {
            Ok(Ok(reason)) => {
                RpcError::Refused { peer, method, reason: String::from_utf8_lossy(&reason).into_owned() }
            }
            Ok(Err(error)) => error,
            Err(_) => RpcError::Deadline { peer, method, waited: self.limits.body_timeout },
        }
    }

    fn dial(&self, address: SocketAddr) -> Dial<Line> {
        Box::pin(dial(address, self.tls.clone(), self.limits, self.drive.clone()))
    }
}

impl Target {
    fn request(self, body: Bytes) -> Request<super::body::AnyBody> {
        let mut request = Request::new(whole(body));
        *request.method_mut() = Method::POST;
        let uri = format!("https://peer/{}", self.method);
        *request.uri_mut() = uri.parse().expect("methods are words");
        request
    }

    async fn read(self, response: Response<Incoming>, limit: usize) -> Result<Bytes, RpcError> {
        match Limited::new(response.into_body(), limit).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(RpcError::TooLarge { peer: self.peer, method: self.method, limit })
            }
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn broken(self, error: &impl ToString) -> RpcError {
        RpcError::Broken { peer: self.peer, method: self.method, reason: error.to_string() }
    }
}
