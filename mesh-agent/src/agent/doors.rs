use super::config::RuntimeConfig;
use super::error::StartError;
use super::options;
use crate::clock::Clock;
use crate::dns::DnsServer;
use crate::http::{Deps, HttpServer};
use crate::task::{Shutdown, TaskGroup};
use std::net::SocketAddr;

/// The listening sockets of the API and of DNS, bound and not yet served.
pub(super) struct Doors {
    http: Vec<HttpServer>,
    dns: Option<DnsServer>,
}

impl Doors {
    /// # Errors
    /// An address cannot be listened on; nothing was served then.
    pub async fn bind(config: &RuntimeConfig, deps: &Deps) -> Result<Self, StartError> {
        let limits = options::http_limits(config);
        let bind = |address: &SocketAddr| {
            let address = *address;
            HttpServer::bind(address, deps, limits).map_err(|source| StartError::Http { address, source })
        };
        let http = config.network.http.iter().map(bind).collect::<Result<_, _>>()?;
        let dns = match config.network.dns.as_slice() {
            [] => None,
            addresses => {
                let options = options::dns(config)?;
                Some(DnsServer::bind(options, deps.catalog.clone(), Clock::System, addresses).await?)
            }
        };
        Ok(Self { http, dns })
    }

    /// Where the API listens, with the ports that the system chose.
    pub fn http_addresses(&self) -> Vec<SocketAddr> {
        self.http.iter().filter_map(|server| server.address().ok()).collect()
    }

    pub fn dns_addresses(&self) -> Vec<SocketAddr> {
        self.dns.iter().flat_map(DnsServer::addresses).collect()
    }

    pub fn serve(self, tasks: &mut TaskGroup, shutdown: &Shutdown) {
        for server in self.http {
            tasks.spawn("http", server.run(shutdown.clone()));
        }
        if let Some(server) = self.dns {
            tasks.spawn("dns", server.run(shutdown.clone()));
        }
    }
}
