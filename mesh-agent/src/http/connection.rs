use super::call::Peer;
use super::front::Front;
use super::limits::HttpLimits;
use crate::task::{Shutdown, attended};
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How long a client that sent too much has to notice our answer.
const LINGER: Duration = Duration::from_secs(1);
/// What is read and thrown away meanwhile, in bytes.
const LINGER_BYTES: u64 = 16 * 1024 * 1024;
/// The header deadline of a connection past the limits.
const HURRY: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub async fn serve(mut stream: TcpStream, front: Front, peer: Peer, limits: HttpLimits, shutdown: Shutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(client = %peer.address, %error, "TCP_NODELAY could not be set");
    }
    match exchange(&mut stream, front, peer, limits, shutdown).await {
        Ok(()) => {}
        Err(error) => tracing::debug!(client = %peer.address, %error, "a connection ended early"),
    }
    // Past the limits, a seat is worth more than the last answer to a client that sends too much.
    if !peer.hurried {
        linger(&mut stream).await;
    }
}

async fn exchange(
    stream: &mut TcpStream,
    front: Front,
    peer: Peer,
    limits: HttpLimits,
    shutdown: Shutdown,
) -> hyper::Result<()> {
    let front = &front;
    let service =
        service_fn(move |request: Request<Incoming>| attended(front.answer(peer, request.map(Body::new))));
    let connection = builder(peer, limits).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = shutdown.begun() => connection.as_mut().graceful_shutdown(),
    }
    // Blocking queries would go on for minutes: what is not answered by then is cut.
    tokio::time::timeout(limits.drain, connection).await.unwrap_or(Ok(()))
}

fn builder(peer: Peer, limits: HttpLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(if peer.hurried {
            HURRY.min(limits.header_timeout)
        } else {
            limits.header_timeout
        })
        .max_buf_size(limits.max_head)
        .keep_alive(!peer.hurried);
    builder
}

/// Closing a socket with unread input resets it, and the client would lose our last answer.
async fn linger(stream: &mut TcpStream) {
    let (mut rest, mut nowhere) = (stream.take(LINGER_BYTES), tokio::io::sink());
    let _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut nowhere)).await;
}
