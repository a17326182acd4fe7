use super::config::RuntimeConfig;
use super::error::StartError;
use super::options;
use super::ports::{KernelMeant, NamesAcross};
use crate::clock::Clock;
use crate::dataplane::{Asked, Legs};
use crate::dns::{Across, CapturedDns, DnsServer};
use crate::http::{Deps, HttpServer, Inside};
use crate::task::{Shutdown, TaskGroup};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The listening sockets of the API and of DNS, bound and not yet served.
pub(super) struct Doors {
    http: Vec<HttpServer>,
    dns: Option<DnsServer>,
    captured: Option<CapturedDns>,
}

impl Doors {
    /// # Errors
    /// An address cannot be listened on; nothing was served then.
    pub async fn bind(
        config: &RuntimeConfig,
        deps: &Deps,
        asked: Option<Arc<dyn Asked>>,
    ) -> Result<Self, StartError> {
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
                Some(
                    DnsServer::bind(options, deps.catalog.clone(), Clock::System, across(deps), addresses)
                        .await?,
                )
            }
        };
        let captured = match asked.filter(|_| config.dataplane.dns) {
            None => None,
            Some(asked) => {
                let (options, meant) = (options::dns(config)?, Arc::new(KernelMeant(asked)));
                Some(
                    CapturedDns::bind(options, deps.catalog.clone(), Clock::System, across(deps), meant)
                        .await?,
                )
            }
        };
        Ok(Self { http, dns, captured })
    }

    /// Where the API listens, with the ports that the system chose.
    pub fn http_addresses(&self) -> Vec<SocketAddr> {
        self.http.iter().filter_map(|server| server.address().ok()).collect()
    }

    pub fn dns_addresses(&self) -> Vec<SocketAddr> {
        self.dns.iter().flat_map(DnsServer::addresses).collect()
    }

    /// Where captured questions arrive, as far as anybody captures them.
    pub fn names(&self) -> Legs {
        let port = |loopback| self.captured.as_ref().and_then(|door| door.port(loopback));
        let (names_v4, names_v6) = (port(Ipv4Addr::LOCALHOST.into()), port(Ipv6Addr::LOCALHOST.into()));
        Legs { names_v4, names_v6, ..Legs::default() }
    }

    pub fn serve(self, tasks: &mut TaskGroup, shutdown: &Shutdown) {
        for server in self.http {
            tasks.spawn("http", server.run(shutdown.clone()));
        }
        if let Some(server) = self.dns {
            tasks.spawn("dns", server.run(shutdown.clone()));
        }
        if let Some(server) = self.captured {
            tasks.spawn("captured dns", server.run(shutdown.clone()));
        }
    }
}

pub(super) fn across(deps: &Deps) -> Arc<dyn Across> {
    Arc::new(NamesAcross { elsewhere: deps.elsewhere.clone(), inside: Inside::new(deps) })
}
