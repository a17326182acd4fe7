use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Answer, Client};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A member of the cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    pub name: String,
    pub addr: String,
    pub port: u16,
    pub tags: BTreeMap<String, String>,
    /// 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    pub protocol_cur: u8,
}

/// What an agent says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentSelf {
    pub config: BTreeMap<String, Value>,
    pub stats: BTreeMap<String, BTreeMap<String, Value>>,
}

/// A check of the agent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentCheck {
    #[serde(rename = "CheckID")]
    pub check_id: String,
    pub notes: String,
    pub node: String,
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    pub service_name: String,
}

/// A service instance of the agent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AgentService {
    /// `connect-proxy`, or empty.
    pub kind: String,
    #[serde(rename = "ID")]
    pub id: String,
    pub service: String,
    pub address: String,
    pub port: u16,
    pub proxy: Option<ProxyConfig>,
}

/// What a proxy is to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProxyConfig {
    pub destination_service_name: String,
    #[serde(rename = "DestinationServiceID")]
    pub destination_service_id: String,
    pub local_service_address: String,
    pub local_service_port: u16,
    pub upstreams: Vec<Upstream>,
    pub config: Option<BTreeMap<String, Value>>,
}

/// A local listener that leads to another service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Upstream {
    /// `service` or `prepared_query`.
    pub destination_type: String,
    pub destination_name: String,
    pub datacenter: String,
    pub local_bind_address: String,
    pub local_bind_port: u16,
}

impl Client {
    pub async fn members(&self, wan: bool) -> Result<Vec<Member>, ClientError> {
        let query = Query::new().with("segment", "_all");
        let query = if wan { query.with("wan", "1") } else { query };
        Ok(self.get("/v1/agent/members", &query).await?.value)
    }

    pub async fn agent_self(&self) -> Result<AgentSelf, ClientError> {
        Ok(self.get("/v1/agent/self", &Query::new()).await?.value)
    }

    pub async fn agent_checks(&self) -> Result<BTreeMap<String, AgentCheck>, ClientError> {
        Ok(self.get("/v1/agent/checks", &Query::new()).await?.value)
    }

    pub async fn agent_services(&self) -> Result<BTreeMap<String, AgentService>, ClientError> {
        Ok(self.get("/v1/agent/services", &Query::new()).await?.value)
    }

    /// The instance, and the hash to wait for a change with.
    pub async fn agent_service(
        &self,
        id: &str,
        hash: Option<&str>,
    ) -> Result<Answer<AgentService>, ClientError> {
        let query = Query::new().with_some("hash", hash);
        self.get(&format!("/v1/agent/service/{}", segment(id)), &query).await
    }

    /// `definition` is Consul's, in any of its spellings.
    pub async fn register_service(&self, definition: &Value) -> Result<(), ClientError> {
        self.put("/v1/agent/service/register", &Query::new(), definition).await.map(drop)
    }

    pub async fn deregister_service(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/agent/service/deregister/{}", segment(id));
        self.put(&path, &Query::new(), &Value::Null).await.map(drop)
    }

    /// Of the whole node, or of one service instance.
    pub async fn maintenance(
        &self,
        service: Option<&str>,
        enable: bool,
        reason: &str,
    ) -> Result<(), ClientError> {
        let query = Query::new().with("enable", enable.to_string()).with_some("reason", Some(reason));
        let path = match service {
            None => "/v1/agent/maintenance".to_owned(),
            Some(id) => format!("/v1/agent/service/maintenance/{}", segment(id)),
        };
        self.put(&path, &query, &Value::Null).await.map(drop)
    }

    pub async fn reload(&self) -> Result<(), ClientError> {
        self.put("/v1/agent/reload", &Query::new(), &Value::Null).await.map(drop)
    }

    pub async fn leave(&self) -> Result<(), ClientError> {
        self.put("/v1/agent/leave", &Query::new(), &Value::Null).await.map(drop)
    }

    pub async fn join(&self, address: &str, wan: bool) -> Result<(), ClientError> {
        let query = if wan { Query::new().with("wan", "1") } else { Query::new() };
        self.put(&format!("/v1/agent/join/{}", segment(address)), &query, &Value::Null).await.map(drop)
    }

    pub async fn force_leave(&self, node: &str, prune: bool) -> Result<(), ClientError> {
        let query = if prune { Query::new().with("prune", "1") } else { Query::new() };
        self.put(&format!("/v1/agent/force-leave/{}", segment(node)), &query, &Value::Null).await.map(drop)
    }

    /// Hands on log lines until the agent stops.
    pub async fn monitor(
        &self,
        level: Option<&str>,
        json: bool,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ClientError> {
        let query = Query::new().with_some("loglevel", level);
        let query = if json { query.with("logjson", "true") } else { query };
        self.follow("/v1/agent/monitor", &query, take).await
    }

    /// Reports a TTL check: `pass`, `warn` or `fail`.
    pub async fn report_check(&self, id: &str, verdict: &str, note: &str) -> Result<(), ClientError> {
        let path = format!("/v1/agent/check/{verdict}/{}", segment(id));
        self.put(&path, &Query::new().with_some("note", Some(note)), &json!(null)).await.map(drop)
    }
}
