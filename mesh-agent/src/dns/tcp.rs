use super::client::{Client, Transport};
use super::framing;
use super::handler::Handler;
use crate::task::{Shutdown, TaskGroup};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long to leave a listener alone that fails, as it does when descriptors run out.
const PAUSE: Duration = Duration::from_millis(50);

/// What a TCP client may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub connections: usize,
    /// For one message, either way, and for being idle.
    pub deadline: Duration,
}

/// Serves one TCP listener; connections over the limit are closed at once.
pub(super) async fn serve(listener: TcpListener, handler: Arc<Handler>, limits: Limits, shutdown: Shutdown) {
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
                clients.spawn("dns-client", client(stream, source, handler.clone(), limits));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting DNS over TCP failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn client(mut stream: TcpStream, source: SocketAddr, handler: Arc<Handler>, limits: Limits) {
    let client = Client { source, transport: Transport::Tcp };
    if let Err(error) = converse(&mut stream, client, &handler, limits.deadline).await {
        tracing::debug!(%error, %source, "a DNS client's connection ended early");
    }
}

/// One question after the other until the client closes, is too slow, or sends what deserves no answer.
async fn converse(
    stream: &mut TcpStream,
    client: Client,
    handler: &Handler,
    deadline: Duration,
) -> io::Result<()> {
    while let Some(packet) = timeout(deadline, framing::read(stream)).await?? {
        metrics::counter!("dns.queries", "transport" => "tcp").increment(1);
        let Some(reply) = handler.handle(&packet, client).await else { return Ok(()) };
        timeout(deadline, framing::write(stream, &reply)).await??;
    }
    Ok(())
}
