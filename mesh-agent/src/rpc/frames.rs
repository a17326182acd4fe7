use super::RpcError;
use super::line::InUse;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::Stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::net::SocketAddr;

/// Frames that a peer sends until it ends, or the connection breaks. Dropping them tells the peer.
pub struct Frames {
    body: Incoming,
    buffer: BytesMut,
    limit: usize,
    peer: SocketAddr,
    method: &'static str,
    _in_use: InUse,
}

/// What stands before each frame: its length, big-endian.
pub(super) const HEAD: usize = 4;

/// A frame as it travels.
pub(super) fn framed(frame: &Bytes) -> Bytes {
    let length = u32::try_from(frame.len()).expect("a frame is bounded far below 4 GiB");
    let mut framed = BytesMut::with_capacity(HEAD + frame.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(frame);
    framed.freeze()
}

impl Frames {
    pub(super) fn new(
        body: Incoming,
        limit: usize,
        peer: SocketAddr,
        method: &'static str,
        in_use: InUse,
    ) -> Self {
        Self { body, buffer: BytesMut::new(), limit, peer, method, _in_use: in_use }
    }

    /// The next one; nothing where the peer has ended.
    ///
    /// # Errors
    /// The connection broke, or a frame is too large.
    pub async fn next(&mut self) -> Option<Result<Bytes, RpcError>> {
        loop {
            match self.take() {
                Ok(Some(frame)) => return Some(Ok(frame)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Some(Err(self.broken(&error))),
                None if self.buffer.is_empty() => return None,
                None => return Some(Err(self.broken(&"it ended within a frame"))),
            }
        }
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, RpcError>> + Send + 'static {
        futures_util::stream::unfold(Some(self), |frames| async {
            let mut frames = frames?;
            let next = frames.next().await?;
            // After an error nothing follows.
            let rest = next.is_ok().then_some(frames);
            Some((next, rest))
        })
    }

    /// A whole frame of what has arrived.
    fn take(&mut self) -> Result<Option<Bytes>, RpcError> {
        let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length > self.limit {
            return Err(RpcError::TooLarge { peer: self.peer, method: self.method, limit: self.limit });
        }
        if self.buffer.len() < HEAD + length {
            return Ok(None);
        }
        self.buffer.advance(HEAD);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    fn broken(&self, reason: &impl ToString) -> RpcError {
        RpcError::Broken { peer: self.peer, method: self.method, reason: reason.to_string() }
    }
}
