use crate::discovery::{AddressOwners, CatalogReader, Endpoint, Prepared, Reach};
use crate::model::{Node, NodeName, QueryFailover, ServiceName};
use crate::state::{
    ExecutePrepared, Executed, InstancesOf, OwnersOf, Query, ServiceInstance, State, Through,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

impl From<ServiceInstance> for Endpoint {
    fn from(instance: ServiceInstance) -> Self {
        Self { status: instance.status(), node: instance.node, service: instance.service }
    }
}

/// A server answers from its own state.
impl CatalogReader for State {
    fn instances(&self, service: &ServiceName, reach: Reach) -> Vec<Endpoint> {
        let through = match reach {
            Reach::Direct => Through::Direct,
            Reach::Mesh => Through::Mesh,
        };
        let found = InstancesOf { service: service.clone(), through }.run(self);
        found.into_iter().map(Endpoint::from).collect()
    }

    fn node(&self, name: &NodeName) -> Option<Arc<Node>> {
        Self::node(self, name).cloned()
    }

    fn virtual_ip(&self, service: &ServiceName) -> Option<Ipv4Addr> {
        Self::virtual_ip(self, service)
    }

    fn prepared(&self, name: &str) -> Option<Prepared> {
        let Executed { query, instances } = ExecutePrepared(name.to_owned()).run(self)?;
        let endpoints = instances.into_iter().map(Endpoint::from).collect();
        let fails_over = query.service.failover != QueryFailover::default();
        Some(Prepared { endpoints, ttl: query.dns_ttl, fails_over })
    }

    fn owners_of(&self, address: IpAddr) -> AddressOwners {
        let (nodes, services) = OwnersOf(address).run(self);
        let virtual_of = match address {
            IpAddr::V4(v4) => self.service_of_virtual_ip(v4).cloned(),
            IpAddr::V6(_) => None,
        };
        AddressOwners { nodes, services, virtual_of }
    }
}
