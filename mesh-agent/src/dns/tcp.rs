//! The library's own TCP loop bounds how long a client may hold a connection, but not how many there are, and
//! it spins where descriptors run out. This loop bounds them; framing, time-outs and decoding stay the library's.

use super::handler::Handler;
use crate::task::{Shutdown, TaskGroup};
use futures_util::StreamExt;
use hickory_proto::op::{MessageType, SerialMessage};
use hickory_server::net::runtime::{TokioTime, iocompat::AsyncIoTokioAsStd};
use hickory_server::net::{tcp, xfer::Protocol};
use hickory_server::server::{Request, RequestHandler, ResponseHandle, TimeoutStream};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long to leave a listener alone that fails, as it does when descriptors run out.
const PAUSE: Duration = Duration::from_millis(50);

/// What TCP clients may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub connections: usize,
    /// From one request to the next, whole one: for sending it, for taking the reply, and for being idle.
    pub deadline: Duration,
}

/// Serves one TCP listener; connections over the limit are closed at once.
pub(super) async fn serve(listener: TcpListener, handler: Handler, limits: Limits, shutdown: Shutdown) {
    let mut clients = TaskGroup::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => return,
        };
        clients.reap();
        match accepted {
            Ok(_) if clients.len() >= limits.connections => {
                tracing::warn!(
                    limit = limits.connections,
                    "a DNS client was turned away: too many are connected"
                );
            }
            Ok((stream, source)) => {
                clients.spawn("dns-client", client(stream, source, handler.clone(), limits.deadline));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting DNS over TCP failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One request after the other until the client closes, is too slow, or sends what is none.
async fn client(stream: TcpStream, source: SocketAddr, handler: Handler, deadline: Duration) {
    let (messages, replies) = tcp::TcpStream::from_stream(AsyncIoTokioAsStd(stream), source);
    let mut messages = TimeoutStream::new(messages, deadline);
    while let Some(message) = messages.next().await {
        let request = match message {
            Ok(message) => decode(message, source),
            Err(error) => return tracing::debug!(%error, %source, "a DNS client's connection ended early"),
        };
        let Some(request) = request else {
            return tracing::debug!(%source, "a DNS client was cut off: it sent no request");
        };
        let replies = ResponseHandle::new(source, replies.clone(), Protocol::Tcp);
        handler.handle_request::<_, TokioTime>(&request, replies).await;
    }
}

/// `None` for noise and for somebody's answer: whoever answers that may start a quarrel that never ends.
fn decode(message: SerialMessage, source: SocketAddr) -> Option<Request> {
    let (packet, _) = message.into_parts();
    let request = Request::from_bytes(packet, source, Protocol::Tcp).ok()?;
    (request.metadata.message_type == MessageType::Query).then_some(request)
}
