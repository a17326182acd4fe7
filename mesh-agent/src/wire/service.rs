use super::check_definition::default_only;
use super::connect::{Connect, ManagedProxy};
use super::error::At;
use super::proxy::Proxy;
use super::service_definition::{ServiceAddress, Weights, check_address, proxy_config, service_kind};
use super::{FieldError, check_meta};
use crate::model::{self, Meta, ProxyRequest, RaftIndex, ServiceId, ServiceKind, ServiceName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A service instance as it is read back from the agent, the catalog and health, and as
/// `catalog/register` takes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Service {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub service: String,
    pub tags: Vec<String>,
    pub meta: Meta,
    pub port: u16,
    pub address: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tagged_addresses: BTreeMap<String, ServiceAddress>,
    pub weights: Weights,
    pub enable_tag_override: bool,
    /// Where version 1.2's clients look for what a proxy stands before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy_destination: String,
    /// Where later ones do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    pub connect: Connect,
    /// Changes whenever anything else here does; only where one instance is asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub datacenter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&model::NodeService> for Service {
    fn from(service: &model::NodeService) -> Self {
        let destination = service.proxy.as_ref().map(|proxy| proxy.destination.to_string());
        Self {
            kind: kind_name(service.kind).to_owned(),
            id: service.id.to_string(),
            service: service.name.to_string(),
            tags: service.tags.clone(),
            meta: service.meta.clone(),
            port: service.port,
            address: service.address.clone(),
            tagged_addresses: service.tagged_addresses.iter().map(|(t, a)| (t.clone(), a.into())).collect(),
            weights: service.weights.into(),
            enable_tag_override: service.enable_tag_override,
            proxy_destination: destination.unwrap_or_default(),
            proxy: service.proxy.as_ref().map(Proxy::from),
            connect: Connect { native: service.connect_native, ..Connect::default() },
            create_index: service.index.create,
            modify_index: service.index.modify,
            ..Self::default()
        }
    }
}

impl From<&model::ServiceDefinition> for Service {
    /// The agent's own view, which shows a managed proxy.
    fn from(definition: &model::ServiceDefinition) -> Self {
        let mut service = Self::from(&definition.service);
        if let Some(ProxyRequest::Managed(proxy)) = &definition.proxy {
            service.connect.proxy = Some(ManagedProxy::from(proxy));
        }
        service
    }
}

impl TryFrom<Service> for model::NodeService {
    type Error = FieldError;

    fn try_from(wire: Service) -> Result<Self, FieldError> {
        default_only("namespace", &wire.namespace)?;
        let name = ServiceName::new(&wire.service).at("service")?;
        let kind = service_kind(&wire.kind)?;
        check_address(&wire.address)?;
        check_meta("meta", &wire.meta)?;
        Ok(Self {
            id: if wire.id.is_empty() {
                ServiceId::from(&name)
            } else {
                ServiceId::new(&wire.id).at("id")?
            },
            name,
            kind,
            tags: wire.tags,
            address: wire.address,
            tagged_addresses: wire.tagged_addresses.into_iter().map(|(tag, a)| (tag, a.into())).collect(),
            port: wire.port,
            meta: wire.meta,
            weights: wire.weights.try_into().map_err(|e: FieldError| e.within("weights"))?,
            enable_tag_override: wire.enable_tag_override,
            proxy: proxy_config(kind, wire.proxy, wire.proxy_destination)?,
            connect_native: wire.connect.native,
            index: RaftIndex::default(),
        })
    }
}

impl Service {
    /// With its hash, which blocking reads of one instance compare.
    #[must_use]
    pub fn hashed(mut self) -> Self {
        self.content_hash.clear();
        let json = serde_json::to_vec(&self).expect("a service has only text keys, so it is JSON");
        self.content_hash = short_hash(&json);
        self
    }
}

/// Sixteen hex digits that change with the bytes, the form of Consul's content hashes.
pub fn short_hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn kind_name(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Typical => "",
        ServiceKind::ConnectProxy => "connect-proxy",
    }
}
