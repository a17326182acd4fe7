use super::RpcLimits;
use super::body::{AnyBody, streamed, whole};
use super::call::{Kind, REASON};
use super::handler::{Call, Handler, Refusal, Reply};
use crate::pki::cluster::NodeIdentity;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

/// Answers the calls of one connection.
pub(super) struct Service {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) peer: NodeIdentity,
    pub(super) address: SocketAddr,
    pub(super) limits: RpcLimits,
}

impl Service {
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnyBody>, Infallible> {
        let (kind, body) = match self.handle(request).await {
            Ok(Reply::One(body)) => (Kind::One, whole(body)),
            Ok(Reply::Frames(frames)) => (Kind::Frames, streamed(frames)),
            Err(Refusal { mut reason }) => {
                reason.truncate(reason.floor_char_boundary(REASON));
                (Kind::Refusal, whole(reason.into()))
            }
        };
        let mut response = Response::new(body);
        kind.write(response.headers_mut());
        Ok(response)
    }

    /// The most bytes of a body for this method; 0 where this peer may not call it.
    pub(super) fn most(&self, method: &str) -> usize {
        self.handler.most(&self.peer, method)
    }

    /// A message that came whole, with [`Service::most`] of its method.
    pub(super) async fn message(&self, method: &str, most: usize, body: Bytes) -> Result<Bytes, Refusal> {
        if most == 0 {
            return Err(self.forbidden(method));
        }
        if body.len() > most {
            return Err(Refusal::new(format!("a message for {method:?} has at most {most} bytes")));
        }
        let call = Call { peer: self.peer.clone(), address: self.address, method: method.to_owned(), body };
        match self.handler.answer(call).await? {
            Reply::One(answer) => Ok(answer),
            Reply::Frames(_) => Err(Refusal::new(format!("{method:?} is answered by frames: call it"))),
        }
    }

    fn forbidden(&self, method: &str) -> Refusal {
        Refusal::new(format!("a {} may not call {method:?}", self.peer.role.label()))
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let most = self.most(&method);
        if most == 0 {
            return Err(self.forbidden(&method));
        }
        let body = self.read(request.into_body(), most).await?;
        let call = Call { peer: self.peer.clone(), address: self.address, method, body };
        self.handler.answer(call).await
    }

    async fn read(&self, body: Incoming, most: usize) -> Result<Bytes, Refusal> {
        let read = tokio::time::timeout(self.limits.body_timeout, Limited::new(body, most).collect()).await;
        let slow = |_| Refusal::new(format!("the body took more than {:?}", self.limits.body_timeout));
        let broken =
            |error| Refusal::new(format!("the body could not be read, at most {most} bytes: {error}"));
        Ok(read.map_err(slow)?.map_err(broken)?.to_bytes())
    }
}
