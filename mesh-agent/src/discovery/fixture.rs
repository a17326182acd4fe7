use super::{AddressOwners, CatalogReader, Endpoint, Prepared, Reach};
use crate::model::{
    CheckStatus, Datacenter, Meta, Node, NodeName, NodeService, RaftIndex, ServiceId, ServiceName,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A catalog of endpoints in memory, each on a node of its own.
#[derive(Default)]
pub(crate) struct Fixture {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) virtual_ips: Vec<(ServiceName, Ipv4Addr)>,
}

impl Fixture {
    pub(crate) fn with(self, service: &str, id: &str, tags: &[&str], status: CheckStatus) -> Self {
        let address = format!("10.0.0.{}", self.endpoints.len() + 1);
        self.with_endpoint(Endpoint {
            node: Arc::new(node(&format!("node-{id}"), &address)),
            service: Arc::new(instance(service, id, tags)),
            status,
        })
    }

    pub(crate) fn with_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }
}

pub(crate) fn node(name: &str, address: &str) -> Node {
    Node {
        id: None,
        name: NodeName::new(name).unwrap(),
        address: address.to_owned(),
        datacenter: Datacenter::new("dc1").unwrap(),
        tagged_addresses: Meta::new(),
        meta: Meta::new(),
        index: RaftIndex::default(),
    }
}

pub(crate) fn instance(service: &str, id: &str, tags: &[&str]) -> NodeService {
    let tags = tags.iter().map(ToString::to_string).collect();
    let named = NodeService::new(ServiceId::new(id).unwrap(), ServiceName::new(service).unwrap());
    NodeService { tags, port: 8080, ..named }
}

impl CatalogReader for Fixture {
    /// The query `q-<service>` finds the passing instances of the service, for 7 seconds; `q-far` is for others to answer.
    fn prepared(&self, name: &str) -> Option<Prepared> {
        let service = ServiceName::new(name.strip_prefix("q-")?).ok()?;
        let mut endpoints = self.instances(&service, Reach::Direct);
        endpoints.retain(|endpoint| endpoint.status == CheckStatus::Passing);
        let fails_over = service.as_str() == "far";
        Some(Prepared { endpoints, ttl: Some(std::time::Duration::from_secs(7)), fails_over })
    }

    fn instances(&self, service: &ServiceName, reach: Reach) -> Vec<Endpoint> {
        let serves = |e: &&Endpoint| match reach {
            Reach::Direct => e.service.name.folded() == service.folded(),
            Reach::Mesh => e.service.connect_destination().is_some_and(|d| d.folded() == service.folded()),
        };
        self.endpoints.iter().filter(serves).cloned().collect()
    }

    fn node(&self, name: &NodeName) -> Option<Arc<Node>> {
        self.endpoints.iter().map(|e| &e.node).find(|n| n.name.folded() == name.folded()).cloned()
    }

    fn virtual_ip(&self, service: &ServiceName) -> Option<Ipv4Addr> {
        self.virtual_ips.iter().find(|(name, _)| name == service).map(|(_, ip)| *ip)
    }

    fn owners_of(&self, address: IpAddr) -> AddressOwners {
        let at = |text: &str| text.parse() == Ok(address);
        AddressOwners {
            nodes: self.endpoints.iter().map(|e| e.node.clone()).filter(|n| at(&n.address)).collect(),
            services: self
                .endpoints
                .iter()
                .filter(|e| at(&e.service.address))
                .map(|e| e.service.name.clone())
                .collect(),
            virtual_of: self.virtual_ips.iter().find(|(_, ip)| *ip == address).map(|(name, _)| name.clone()),
        }
    }
}
