use super::MeshEndpoints;
use crate::catalog::Catalog;
use crate::dataplane::Numbers;
use crate::model::{Datacenter, ServiceName};
use crate::proxy::{Authorize, Captures, IdentityFeed, Way, WaySpec};
use mesh_common::ServiceNumber;
use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kernel's word on whom it sent to the transparent listeners, in names.
pub(in crate::agent) struct KernelCaptures {
    catalog: Catalog,
    datacenter: Datacenter,
    authorize: Arc<dyn Authorize>,
    known: Mutex<Known>,
}

/// Who may be a source, and the ways in use. There is one at most for each pair of services, and for each instance
/// that a service dials by its address.
#[derive(Default)]
struct Known {
    numbers: Numbers,
    sources: HashMap<ServiceNumber, (ServiceName, IdentityFeed)>,
    ways: HashMap<Between, Way>,
}

/// From a service to another, or to the one instance of it that has this address.
type Between = (ServiceNumber, ServiceNumber, Option<SocketAddr>);

impl KernelCaptures {
    pub fn new(catalog: Catalog, datacenter: Datacenter, authorize: Arc<dyn Authorize>) -> Self {
        Self { catalog, datacenter, authorize, known: Mutex::default() }
    }

    /// From now on these are this host's workloads, services have these numbers, and `leads` says which addresses
    /// are an instance's.
    pub fn know(
        &self,
        numbers: Numbers,
        sources: HashMap<ServiceNumber, (ServiceName, IdentityFeed)>,
        leads: impl Fn(&SocketAddr) -> bool,
    ) {
        let mut known = self.known();
        known.ways.retain(|(source, destination, instance), _| {
            let led = instance.as_ref().is_none_or(&leads);
            sources.contains_key(source) && numbers.name(*destination).is_some() && led
        });
        (known.numbers, known.sources) = (numbers, sources);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn between(&self, between: Between) -> Option<Way> {
        let mut known = self.known();
        if let Some(way) = known.ways.get(&between) {
            return Some(way.clone());
        }
        let (source, destination, instance) = between;
        let (name, identity) = known.sources.get(&source)?.clone();
        let to = known.numbers.name(destination)?.clone();
        let way = Way::new(WaySpec {
            source: name,
            destination: to.clone(),
            datacenter: self.datacenter.clone(),
            identity,
            endpoints: Arc::new(MeshEndpoints::new(self.catalog.clone(), to, instance)),
            authorize: self.authorize.clone(),
        });
        known.ways.insert(between, way.clone());
        Some(way)
    }
}

impl Captures for KernelCaptures {
    fn way(&self, accepted: &TcpStream) -> Option<Way> {
        self.between(origin(accepted)?)
    }
}

/// From whom to whom the kernel sent it here, and to which instance where one was meant.
#[cfg(target_os = "linux")]
fn origin(accepted: &TcpStream) -> Option<Between> {
    use crate::dataplane::kernel::origin_of;
    use std::net::IpAddr;
    use std::os::fd::AsFd;
    let origin = origin_of(accepted.as_fd()).ok().flatten()?;
    let (wanted, of_service) = (origin.endpoint.socket_addr(), Numbers::virtual_ip(origin.destination));
    let instance = (of_service.map(IpAddr::from) != Some(wanted.ip())).then_some(wanted);
    Some((origin.source, origin.destination, instance))
}

/// Only Linux has what sends connections here.
#[cfg(not(target_os = "linux"))]
fn origin(_: &TcpStream) -> Option<Between> {
    None
}
