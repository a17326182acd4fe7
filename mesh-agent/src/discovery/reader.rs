use super::Endpoint;
use crate::model::{Node, NodeName, ServiceName};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// How the caller wants to reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The instances themselves.
    Direct,
    /// Whatever accepts mesh connections for it: its proxies, or itself where it is native.
    Mesh,
}

/// What is found at an address.
#[derive(Clone, Debug, Default)]
pub struct AddressOwners {
    pub nodes: Vec<Arc<Node>>,
    /// Services that registered this address as their own.
    pub services: Vec<ServiceName>,
    /// The service whose virtual address it is.
    pub virtual_of: Option<ServiceName>,
}

/// The answer of a prepared query.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Those that the query wants, in no order yet.
    pub endpoints: Vec<Endpoint>,
    pub ttl: Option<Duration>,
    /// It names other datacenters to ask where nothing is found here.
    pub fails_over: bool,
}

/// What discovery asks of a catalog: a server's state, a client's view, or a fixture. Names are looked up
/// without regard to case.
pub trait CatalogReader: Send + Sync {
    /// All instances, whatever their health.
    fn instances(&self, service: &ServiceName, reach: Reach) -> Vec<Endpoint>;
    fn node(&self, name: &NodeName) -> Option<Arc<Node>>;
    fn virtual_ip(&self, service: &ServiceName) -> Option<Ipv4Addr>;
    fn owners_of(&self, address: IpAddr) -> AddressOwners;
    /// What the prepared query of a name finds; none, if no query answers it.
    fn prepared(&self, name: &str) -> Option<Prepared>;
}
