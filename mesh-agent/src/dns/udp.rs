use super::client::{Client, Transport};
use super::handler::{Handler, Onward, Step};
use crate::task::{Shutdown, TaskGroup};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;

/// The largest datagram.
const DATAGRAM: usize = 65_535;
/// How long to leave a socket alone that fails.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves one UDP socket. Our own names are answered in place; what needs a recursor waits in a task, of
/// which the recursor's limit keeps the number down.
pub(super) async fn serve(socket: UdpSocket, handler: Arc<Handler>, shutdown: Shutdown) {
    let socket = Arc::new(socket);
    let mut waiting = TaskGroup::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = shutdown.begun() => return,
        };
        waiting.reap();
        match received {
            Ok((size, source)) => receive(&socket, &handler, &mut waiting, &buffer[..size], source).await,
            Err(error) => {
                tracing::warn!(%error, "receiving DNS over UDP failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn receive(
    socket: &Arc<UdpSocket>,
    handler: &Arc<Handler>,
    waiting: &mut TaskGroup,
    packet: &[u8],
    source: SocketAddr,
) {
    metrics::counter!("dns.queries", "transport" => "udp").increment(1);
    match handler.begin(packet, Client { source, transport: Transport::Udp }) {
        Step::Silent => {}
        Step::Reply(reply) => send(socket, &reply, source).await,
        Step::Onward(onward) => {
            waiting.spawn("dns-recursion", finish(socket.clone(), handler.clone(), onward, source));
        }
    }
}

async fn finish(socket: Arc<UdpSocket>, handler: Arc<Handler>, onward: Box<Onward>, source: SocketAddr) {
    let reply = handler.finish(*onward).await;
    send(&socket, &reply, source).await;
}

async fn send(socket: &UdpSocket, reply: &[u8], client: SocketAddr) {
    if let Err(error) = socket.send_to(reply, client).await {
        tracing::debug!(%error, %client, "sending DNS over UDP failed");
    }
}
