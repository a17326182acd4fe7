use crate::discovery::{CatalogReader, Endpoint, Reach};
use crate::model::ServiceName;
use crate::state::State;
use std::net::{IpAddr, SocketAddr};

/// An instance of a service, and the proxy that stands before it.
pub(super) struct Fronted {
    /// The instance's own address, as the catalog has it.
    pub address: SocketAddr,
    pub proxy: Endpoint,
}

/// The instances of a service that a proxy stands before, on any node and whatever their health: who dials an
/// instance by its address means that one, as members of a database do that are not healthy before they have met.
///
/// Instances that speak TLS themselves are left out, since their clients do so too, and those whose address is a
/// name, which nobody dials as such.
pub(super) fn fronted(state: &State, service: &ServiceName) -> Vec<Fronted> {
    let instances = state.instances(service, Reach::Direct);
    let before = |proxy: Endpoint| {
        let id = proxy.service.proxy.as_ref()?.destination_id.clone()?;
        let is_it = |i: &&Endpoint| i.service.id == id && i.node.name.folded() == proxy.node.name.folded();
        let address = socket_address(instances.iter().find(is_it)?)?;
        Some(Fronted { address, proxy })
    };
    state.instances(service, Reach::Mesh).into_iter().filter_map(before).collect()
}

/// `None` where the address is a name: resolving it would block whoever asks.
pub(super) fn socket_address(endpoint: &Endpoint) -> Option<SocketAddr> {
    let ip = endpoint.address().parse::<IpAddr>().ok()?;
    Some(SocketAddr::new(ip.to_canonical(), endpoint.service.port))
}
