use super::agent::AgentService;
use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Answer, Client};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A node of the catalog.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CatalogNode {
    #[serde(rename = "ID")]
    pub id: String,
    pub node: String,
    pub address: String,
    pub datacenter: String,
    pub tagged_addresses: Option<BTreeMap<String, String>>,
    /// Of a node list.
    pub meta: Option<BTreeMap<String, String>>,
    /// Of a list of one service's nodes.
    pub node_meta: Option<BTreeMap<String, String>>,
}

/// An instance with its node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthEntry {
    pub node: CatalogNode,
    pub service: AgentService,
}

/// A node with its services, as `/v1/catalog/node/…` has them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NodeServices {
    services: BTreeMap<String, NodeServiceTags>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NodeServiceTags {
    service: String,
    tags: Option<Vec<String>>,
}

impl Client {
    pub async fn datacenters(&self) -> Result<Vec<String>, ClientError> {
        Ok(self.get("/v1/catalog/datacenters", &Query::new()).await?.value)
    }

    pub async fn nodes(&self, query: &Query) -> Result<Vec<CatalogNode>, ClientError> {
        Ok(self.get("/v1/catalog/nodes", query).await?.value)
    }

    pub async fn service_nodes(&self, service: &str, query: &Query) -> Result<Vec<CatalogNode>, ClientError> {
        Ok(self.get(&format!("/v1/catalog/service/{}", segment(service)), query).await?.value)
    }

    /// Names with their tags.
    pub async fn services(&self, query: &Query) -> Result<BTreeMap<String, Vec<String>>, ClientError> {
        Ok(self.get("/v1/catalog/services", query).await?.value)
    }

    /// Names with their tags, of one node. Empty for a node that is not known.
    pub async fn services_of_node(
        &self,
        node: &str,
        query: &Query,
    ) -> Result<BTreeMap<String, Vec<String>>, ClientError> {
        let found: Option<NodeServices> =
            self.get(&format!("/v1/catalog/node/{}", segment(node)), query).await?.value;
        let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for instance in found.unwrap_or_default().services.into_values() {
            services.entry(instance.service).or_default().extend(instance.tags.unwrap_or_default());
        }
        Ok(services)
    }

    /// The instances through which mesh connections reach the service, passing ones only.
    pub async fn connect_instances(
        &self,
        service: &str,
        query: Query,
    ) -> Result<Answer<Vec<HealthEntry>>, ClientError> {
        self.get(&format!("/v1/health/connect/{}", segment(service)), &query.with("passing", "1")).await
    }
}
