use super::connection::Connections;
use super::handler::Handler;
use super::{RpcLimits, socket};
use crate::pki::cluster::ClusterTls;
use crate::task::{Shutdown, TaskGroup};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long accepting rests when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers calls from other nodes at one address.
pub struct RpcServer {
    listener: TcpListener,
    connections: Connections,
}

impl RpcServer {
    /// Listens at once; answers from [`RpcServer::run`] on.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub fn bind(
        address: SocketAddr,
        tls: &ClusterTls,
        handler: Arc<dyn Handler>,
        limits: RpcLimits,
    ) -> io::Result<Self> {
        let listener = socket::listen(address)?;
        Ok(Self { listener, connections: Connections::new(tls.clone(), handler, limits) })
    }

    /// Where it listens, with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until shutdown begins, then lets calls under way end.
    pub async fn run(self, shutdown: Shutdown) {
        let mut tasks = TaskGroup::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.begun() => break,
            };
            tasks.reap();
            match accepted {
                Ok((stream, peer)) => self.connections.serve(stream, peer, &shutdown, &mut tasks),
                Err(error) => {
                    tracing::warn!(%error, "a peer's connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        tasks.finish().await;
    }
}
