use crate::catalog::Catalog;
use crate::discovery::{CatalogReader, Health, Reach, shuffle};
use crate::model::ServiceName;
use crate::proxy::{Endpoint, Endpoints};
use crate::state::{State, Topic};
use arc_swap::ArcSwapOption;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The healthy mesh instances of one service, as the catalog has them. They are read anew when the
/// catalog's index of the service has moved, not for each connection.
pub(in crate::agent) struct MeshEndpoints {
    catalog: Catalog,
    destination: ServiceName,
    topic: [Topic; 1],
    known: ArcSwapOption<Known>,
}

struct Known {
    index: u64,
    addresses: Vec<SocketAddr>,
}

impl MeshEndpoints {
    pub fn new(catalog: Catalog, destination: ServiceName) -> Self {
        let topic = [Topic::Connect(destination.folded())];
        Self { catalog, destination, topic, known: ArcSwapOption::empty() }
    }

    fn known(&self) -> Arc<Known> {
        let state = self.catalog.state();
        let index = state.index_of(&self.topic);
        if let Some(known) = self.known.load_full().filter(|k| k.index == index) {
            return known;
        }
        let known = Arc::new(Known { index, addresses: addresses(&state, &self.destination) });
        self.known.store(Some(known.clone()));
        known
    }
}

/// Instances whose address is a name are left out: resolving it would block a proxy's thread.
fn addresses(state: &State, destination: &ServiceName) -> Vec<SocketAddr> {
    let instances = state.instances(destination, Reach::Mesh).into_iter();
    let healthy = instances.filter(|e| Health::OnlyPassing.accepts(e.status));
    healthy
        .filter_map(|e| Some(SocketAddr::new(e.address().parse::<IpAddr>().ok()?, e.service.port)))
        .collect()
}

impl Endpoints for MeshEndpoints {
    fn candidates(&self) -> Vec<Endpoint> {
        let mut addresses = self.known().addresses.clone();
        if addresses.len() > 1 {
            shuffle(&mut addresses, rand::random());
        }
        addresses.into_iter().map(|address| Endpoint { address }).collect()
    }
}
