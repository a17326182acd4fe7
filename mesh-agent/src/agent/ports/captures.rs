use super::MeshEndpoints;
use crate::catalog::Catalog;
use crate::dataplane::Numbers;
use crate::model::{Datacenter, ServiceName};
use crate::proxy::{Authorize, Captures, IdentityFeed, Way, WaySpec};
use mesh_common::ServiceNumber;
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kernel's word on whom it sent to the transparent listeners, in names.
pub(in crate::agent) struct KernelCaptures {
    catalog: Catalog,
    datacenter: Datacenter,
    authorize: Arc<dyn Authorize>,
    known: Mutex<Known>,
}

/// Who may be a source, and the ways in use. There is one at most for each pair of services.
#[derive(Default)]
struct Known {
    numbers: Numbers,
    sources: HashMap<ServiceNumber, (ServiceName, IdentityFeed)>,
    ways: HashMap<(ServiceNumber, ServiceNumber), Way>,
}

impl KernelCaptures {
    pub fn new(catalog: Catalog, datacenter: Datacenter, authorize: Arc<dyn Authorize>) -> Self {
        Self { catalog, datacenter, authorize, known: Mutex::default() }
    }

    /// From now on these are this host's workloads, and services have these numbers.
    pub fn know(&self, numbers: Numbers, sources: HashMap<ServiceNumber, (ServiceName, IdentityFeed)>) {
        let mut known = self.known();
        known.ways.retain(|(source, destination), _| {
            sources.contains_key(source) && numbers.name(*destination).is_some()
        });
        (known.numbers, known.sources) = (numbers, sources);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn between(&self, source: ServiceNumber, destination: ServiceNumber) -> Option<Way> {
        let mut known = self.known();
        if let Some(way) = known.ways.get(&(source, destination)) {
            return Some(way.clone());
        }
        let (name, identity) = known.sources.get(&source)?.clone();
        let to = known.numbers.name(destination)?.clone();
        let way = Way::new(WaySpec {
            source: name,
            destination: to.clone(),
            datacenter: self.datacenter.clone(),
            identity,
            endpoints: Arc::new(MeshEndpoints::new(self.catalog.clone(), to)),
            authorize: self.authorize.clone(),
        });
        known.ways.insert((source, destination), way.clone());
        Some(way)
    }
}

impl Captures for KernelCaptures {
    #[cfg(target_os = "linux")]
    fn way(&self, accepted: &TcpStream) -> Option<Way> {
        use crate::dataplane::kernel::origin_of;
        use std::os::fd::AsFd;
        let origin = origin_of(accepted.as_fd()).ok().flatten()?;
        self.between(origin.source, origin.destination)
    }

    #[cfg(not(target_os = "linux"))]
    fn way(&self, _: &TcpStream) -> Option<Way> {
        None
    }
}
