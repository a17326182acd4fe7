use super::check_definition::{default_only, optional};
use super::connect::Connect;
use super::error::{At, each};
use super::health::HealthCheck;
use super::proxy::Proxy;
use super::service::Service;
use super::service_definition::{ServiceAddress, Weights, check_address};
use super::{FieldError, check_meta};
use crate::model::{self, CheckId, Datacenter, Meta, NodeName, NodeService, RaftIndex, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A node as the catalog shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Node {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub node: String,
    pub address: String,
    pub datacenter: String,
    pub tagged_addresses: Meta,
    pub meta: Meta,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&model::Node> for Node {
    fn from(node: &model::Node) -> Self {
        Self {
            id: node.id.map(|id| id.to_string()).unwrap_or_default(),
            node: node.name.to_string(),
            address: node.address.clone(),
            datacenter: node.datacenter.to_string(),
            tagged_addresses: node.tagged_addresses.clone(),
            meta: node.meta.clone(),
            create_index: node.index.create,
            modify_index: node.index.modify,
        }
    }
}

/// An instance as `/v1/catalog/service` and `/v1/catalog/connect` show it: node and service in one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CatalogService {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub node: String,
    pub address: String,
    pub datacenter: String,
    pub tagged_addresses: Meta,
    pub node_meta: Meta,
    pub service_kind: String,
    #[serde(rename(serialize = "ServiceID"))]
    pub service_id: String,
    pub service_name: String,
    pub service_tags: Vec<String>,
    pub service_address: String,
    pub service_tagged_addresses: BTreeMap<String, ServiceAddress>,
    pub service_weights: Weights,
    pub service_meta: Meta,
    pub service_port: u16,
    pub service_enable_tag_override: bool,
    pub service_proxy_destination: String,
    pub service_proxy: Proxy,
    pub service_connect: Connect,
    pub create_index: u64,
    pub modify_index: u64,
}

impl CatalogService {
    pub fn new(node: &model::Node, service: &NodeService) -> Self {
        let (node, service) = (Node::from(node), Service::from(service));
        Self {
            id: node.id,
            node: node.node,
            address: node.address,
            datacenter: node.datacenter,
            tagged_addresses: node.tagged_addresses,
            node_meta: node.meta,
            service_kind: service.kind,
            service_id: service.id,
            service_name: service.service,
            service_tags: service.tags,
            service_address: service.address,
            service_tagged_addresses: service.tagged_addresses,
            service_weights: service.weights,
            service_meta: service.meta,
            service_port: service.port,
            service_enable_tag_override: service.enable_tag_override,
            service_proxy_destination: service.proxy_destination,
            service_proxy: service.proxy.unwrap_or_default(),
            service_connect: service.connect,
            create_index: service.create_index,
            modify_index: service.modify_index,
        }
    }
}

/// `/v1/catalog/node/:node`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct CatalogNode {
    pub node: Node,
    /// By id.
    pub services: BTreeMap<String, Service>,
}

/// `/v1/catalog/node-services/:node`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase"))]
pub struct CatalogNodeServices {
    pub node: Node,
    pub services: Vec<Service>,
}

/// The body of `/v1/catalog/register`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CatalogRegistration {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub node: String,
    pub address: String,
    pub tagged_addresses: Meta,
    pub node_meta: Meta,
    pub datacenter: String,
    pub service: Option<Service>,
    pub check: Option<HealthCheck>,
    pub checks: Vec<HealthCheck>,
    pub skip_node_update: bool,
    #[serde(skip_serializing)]
    pub token: String,
    #[serde(skip_serializing)]
    pub namespace: String,
    #[serde(skip_serializing)]
    pub partition: String,
}

/// What a registration asks to be entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    pub node: model::Node,
    pub skip_node_update: bool,
    pub service: Option<NodeService>,
    pub checks: Vec<model::HealthCheck>,
}

impl CatalogRegistration {
    /// `here` is this datacenter, where the body names none.
    ///
    /// # Errors
    /// A field is missing or not valid.
    pub fn into_model(self, here: &Datacenter) -> Result<Registered, FieldError> {
        default_only("namespace", &self.namespace)?;
        default_only("partition", &self.partition)?;
        let node = NodeName::new(&self.node).at("node")?;
        let service = self.service.map(NodeService::try_from).transpose().map_err(|e| e.within("service"))?;
        let checks: Vec<_> = self.check.into_iter().chain(self.checks).collect();
        let checks = each("checks", checks, |check| check.into_model(&node, service.as_ref()))?;
        if self.address.is_empty() && !self.skip_node_update {
            return Err(FieldError::new("address", "a node needs an address"));
        }
        check_address(&self.address)?;
        check_meta("node_meta", &self.node_meta)?;
        let node = model::Node {
            id: optional(&self.id, uuid::Uuid::parse_str, "id")?,
            name: node,
            address: self.address,
            datacenter: optional(&self.datacenter, Datacenter::new, "datacenter")?.unwrap_or(here.clone()),
            tagged_addresses: self.tagged_addresses,
            meta: self.node_meta,
            index: RaftIndex::default(),
        };
        Ok(Registered { node, skip_node_update: self.skip_node_update, service, checks })
    }
}

/// The body of `/v1/catalog/deregister`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CatalogDeregistration {
    pub node: String,
    /// Obsolete, and not looked at.
    #[serde(skip_serializing)]
    pub address: String,
    pub datacenter: String,
    #[serde(rename(serialize = "ServiceID"))]
    pub service_id: String,
    #[serde(rename(serialize = "CheckID"))]
    pub check_id: String,
    #[serde(skip_serializing)]
    pub token: String,
    #[serde(skip_serializing)]
    pub namespace: String,
    #[serde(skip_serializing)]
    pub partition: String,
}

/// What a deregistration asks to be removed: a check, a service, or the whole node.
#[derive(Clone, Debug, PartialEq)]
pub struct Deregistered {
    pub node: NodeName,
    pub datacenter: Option<Datacenter>,
    pub service: Option<ServiceId>,
    pub check: Option<CheckId>,
}

impl TryFrom<CatalogDeregistration> for Deregistered {
    type Error = FieldError;

    fn try_from(wire: CatalogDeregistration) -> Result<Self, FieldError> {
        default_only("namespace", &wire.namespace)?;
        default_only("partition", &wire.partition)?;
        Ok(Self {
            node: NodeName::new(&wire.node).at("node")?,
            datacenter: optional(&wire.datacenter, Datacenter::new, "datacenter")?,
            service: optional(&wire.service_id, ServiceId::new, "service_id")?,
            check: optional(&wire.check_id, CheckId::new, "check_id")?,
        })
    }
}
