use crate::agent::fronted::{fronted, socket_address};
use crate::catalog::Catalog;
use crate::discovery::{CatalogReader, Health, Reach, shuffle};
use crate::model::ServiceName;
use crate::proxy::{Endpoint, Endpoints};
use crate::state::{State, Topic};
use arc_swap::ArcSwapOption;
use std::net::SocketAddr;
use std::sync::Arc;

/// The mesh instances of one service, as the catalog has them: the healthy ones, or the one that was dialled. They are
/// read anew when the catalog's index of the service has moved, not for each connection.
pub(in crate::agent) struct MeshEndpoints {
    catalog: Catalog,
    destination: ServiceName,
    /// The instance's own address, where one alone is meant.
    instance: Option<SocketAddr>,
    topics: [Topic; 2],
    known: ArcSwapOption<Known>,
}

struct Known {
    index: u64,
    addresses: Vec<SocketAddr>,
}

impl MeshEndpoints {
    pub fn new(catalog: Catalog, destination: ServiceName, instance: Option<SocketAddr>) -> Self {
        let topics = [Topic::Connect(destination.folded()), Topic::Service(destination.folded())];
        Self { catalog, destination, instance, topics, known: ArcSwapOption::empty() }
    }

    fn known(&self) -> Arc<Known> {
        let state = self.catalog.state();
        let index = state.index_of(&self.topics);
        if let Some(known) = self.known.load_full().filter(|k| k.index == index) {
            return known;
        }
        let known = Arc::new(Known { index, addresses: self.addresses(&state) });
        self.known.store(Some(known.clone()));
        known
    }

    fn addresses(&self, state: &State) -> Vec<SocketAddr> {
        if let Some(instance) = self.instance {
            let before = fronted(state, &self.destination).into_iter().filter(|f| f.address == instance);
            return before.filter_map(|f| socket_address(&f.proxy)).collect();
        }
        let instances = state.instances(&self.destination, Reach::Mesh).into_iter();
        let healthy = instances.filter(|e| Health::OnlyPassing.accepts(e.status));
        healthy.filter_map(|e| socket_address(&e)).collect()
    }
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
