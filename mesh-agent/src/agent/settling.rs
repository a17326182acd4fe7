use crate::catalog::Catalog;
use crate::dataplane::Desired;
use crate::discovery::Endpoint;
use crate::local::{LocalState, LocalView};
use crate::model::{CheckStatus, Probe};
use crate::state::{GetNode, Query};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long an agent that just begins leaves the kernel as it is while its own services do not come into the catalog.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an earlier agent has left in the kernel, and how long it stands.
///
/// Until this agent knows what there is, nothing is changed: what is not in the catalog yet would be taken away, and a
/// mixture of what both say may let through whom neither does.
pub(super) struct Settling {
    began: Instant,
    is_over: bool,
    /// Where services of the mesh had their servers, by virtual address.
    servers: BTreeMap<Ipv4Addr, SocketAddr>,
}

impl Settling {
    pub fn new(left: &Desired) -> Self {
        let virtually = left.destinations.iter().filter(|(_, target)| target.is_virtual);
        let servers = virtually.filter_map(|(address, target)| match address.ip() {
            IpAddr::V4(v4) => Some((v4, target.server?)),
            IpAddr::V6(_) => None,
        });
        let is_over = left.destinations.is_empty() && left.workloads.is_empty();
        Self { began: Instant::now(), is_over, servers: servers.collect() }
    }

    /// Once it is, it stays over.
    pub fn is_over(&mut self, catalog: &Catalog, local: &LocalState) -> bool {
        self.is_over |= self.began.elapsed() >= PATIENCE || are_known(catalog, local);
        self.is_over
    }

    /// Whether the service's server is where it was, for all that is known: nobody has looked at what is not passing
    /// since this agent began. An agent without a memory begins with all checks critical, while their services run.
    pub fn is_still(&self, local: &LocalView, service: Ipv4Addr, proxy: &Endpoint, app: SocketAddr) -> bool {
        let checks = local.checks.values().map(|local| (local, &local.check));
        let mut bears = checks
            .filter(|(_, check)| check.service_id.as_ref().is_none_or(|id| *id == proxy.service.id))
            .peekable();
        self.servers.get(&service) == Some(&app)
            && bears.peek().is_some()
            && bears.all(|(local, check)| {
                let is_ttl = matches!(local.definition.probe, Probe::Ttl { .. });
                check.status == CheckStatus::Passing || (local.fresh && !is_ttl)
            })
    }
}

/// Whether the catalog has all services that are registered here.
fn are_known(catalog: &Catalog, local: &LocalState) -> bool {
    let Some(known) = GetNode(local.options().node.name.clone()).run(&catalog.state()) else { return false };
    local.view().services.keys().all(|id| known.services.iter().any(|service| service.id == *id))
}
