use super::frames::framed;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

/// A body of either kind.
pub(super) type AnyBody = BoxBody<Bytes, Infallible>;

pub(super) fn whole(bytes: Bytes) -> AnyBody {
    Full::new(bytes).boxed()
}

/// Frame after frame. HTTP/2 asks for the next one when the peer has room for it.
pub(super) fn streamed(frames: BoxStream<'static, Bytes>) -> AnyBody {
    let frames = frames.map(|frame| Ok(Frame::data(framed(&frame))));
    BodyExt::boxed(StreamBody::new(Shareable(Mutex::new(frames))))
}

/// Bodies are shared between threads by type, though never in fact.
struct Shareable<S>(Mutex<S>);

impl<S: futures_util::Stream + Unpin> futures_util::Stream for Shareable<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}
