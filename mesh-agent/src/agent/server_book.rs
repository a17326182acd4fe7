use super::config::JoinAddress;
use crate::task::Shutdown;
use crate::view::Heard;
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the names that were given are looked up again while no server is heard.
const PERIOD: Duration = Duration::from_secs(1);

/// Where servers are: those that the configuration names, and those that a server has told of.
#[derive(Clone)]
pub(super) struct ServerBook {
    join: Vec<JoinAddress>,
    /// Where servers listen whose address says no port.
    port: u16,
    named: Arc<ArcSwap<Vec<SocketAddr>>>,
    told: Arc<ArcSwap<Vec<SocketAddr>>>,
}

impl ServerBook {
    pub fn new(join: Vec<JoinAddress>, port: u16) -> Self {
        Self { join, port, named: Arc::default(), told: Arc::default() }
    }

    /// Those that a server has told of are the cluster's; the names may lead to what is gone.
    pub fn servers(&self) -> Vec<SocketAddr> {
        let mut servers = Vec::clone(&self.told.load());
        servers.extend(self.named.load().iter().filter(|named| !self.told.load().contains(named)));
        servers
    }

    /// Looks the names up.
    pub async fn look_up(&self) {
        let mut named = Vec::new();
        for JoinAddress { host, port } in &self.join {
            match tokio::net::lookup_host((host.as_str(), port.unwrap_or(self.port))).await {
                Ok(found) => named.extend(found),
                Err(error) => tracing::warn!(%host, %error, "the address of a server to join is not known"),
            }
        }
        // What was known stays where nothing is found: the resolver may be gone for a while.
        if !named.is_empty() {
            self.named.store(Arc::new(named));
        }
    }

    /// Takes over what servers tell, and looks the names up again while none does.
    pub async fn run(self, mut heard: watch::Receiver<Option<Heard>>, shutdown: Shutdown) {
        loop {
            let servers = heard.borrow_and_update().as_ref().map(|heard| heard.standing.servers.clone());
            let told: Vec<SocketAddr> =
                servers.unwrap_or_default().iter().filter_map(|address| address.parse().ok()).collect();
            let silent = told.is_empty();
            if !silent {
                self.told.store(Arc::new(told));
            }
            tokio::select! {
                changed = heard.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(PERIOD), if silent => self.look_up().await,
                () = shutdown.begun() => return,
            }
        }
    }
}
