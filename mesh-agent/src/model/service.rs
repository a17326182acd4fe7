use super::{Meta, ProxyConfig, RaftIndex, ServiceId, ServiceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a registration is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceKind {
    #[default]
    Typical,
    ConnectProxy,
}

/// DNS SRV weights by health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    pub passing: u16,
    pub warning: u16,
}

impl Default for Weights {
    fn default() -> Self {
        Self { passing: 1, warning: 1 }
    }
}

/// An address under a tag, such as `lan` or `wan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAddress {
    pub address: String,
    pub port: u16,
}

/// One instance of a service on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeService {
    pub id: ServiceId,
    pub name: ServiceName,
    pub kind: ServiceKind,
    pub tags: Vec<String>,
    /// Empty means the node's address.
    pub address: String,
    pub tagged_addresses: BTreeMap<String, ServiceAddress>,
    /// 0 means that the service has no port.
    pub port: u16,
    pub meta: Meta,
    pub weights: Weights,
    pub enable_tag_override: bool,
    /// Set exactly when `kind` is a proxy.
    pub proxy: Option<ProxyConfig>,
    /// The service speaks mesh TLS itself.
    pub connect_native: bool,
    pub index: RaftIndex,
}

impl NodeService {
    /// An instance of which nothing is known but its names.
    pub fn new(id: ServiceId, name: ServiceName) -> Self {
        Self {
            id,
            name,
            kind: ServiceKind::Typical,
            tags: Vec::new(),
            address: String::new(),
            tagged_addresses: BTreeMap::new(),
            port: 0,
            meta: Meta::new(),
            weights: Weights::default(),
            enable_tag_override: false,
            proxy: None,
            connect_native: false,
            index: RaftIndex::default(),
        }
    }

    /// The service that a mesh connection to this instance reaches, if it accepts such connections.
    pub fn connect_destination(&self) -> Option<&ServiceName> {
        match &self.proxy {
            Some(proxy) => Some(&proxy.destination),
            None => self.connect_native.then_some(&self.name),
        }
    }

    /// Everything but the indexes is the same.
    pub fn same_as(&self, other: &Self) -> bool {
        Self { index: other.index, ..self.clone() } == *other
    }
}
