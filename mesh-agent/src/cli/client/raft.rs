use super::{Client, ClientError, Query};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftConfiguration {
    pub servers: Vec<RaftServer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftServer {
    #[serde(rename = "ID")]
    pub id: String,
    pub node: String,
    pub address: String,
    pub leader: bool,
    pub voter: bool,
    pub protocol_version: String,
}

impl Client {
    pub async fn raft_servers(&self) -> Result<Vec<RaftServer>, ClientError> {
        let answer = self.get::<RaftConfiguration>("/v1/operator/raft/configuration", &Query::new()).await?;
        Ok(answer.value.servers)
    }

    /// `key` is `id` or `address`.
    pub async fn remove_raft_server(&self, key: &'static str, server: &str) -> Result<(), ClientError> {
        let query = Query::new().with(key, server);
        self.call(Method::DELETE, "/v1/operator/raft/peer", &query, None::<&Value>).await.map(drop)
    }

    pub async fn transfer_leader(&self, id: Option<&str>) -> Result<(), ClientError> {
        let query = Query::new().with_some("id", id);
        self.call(Method::POST, "/v1/operator/raft/transfer-leader", &query, None::<&Value>).await.map(drop)
    }
}
