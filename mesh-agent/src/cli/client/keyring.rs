use super::error::ClientError;
use super::query::Query;
use super::request::Client;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Which keys the members of a pool have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyringPool {
    #[serde(rename = "WAN")]
    pub wan: bool,
    pub datacenter: String,
    pub segment: String,
    /// By member, what went wrong.
    pub messages: BTreeMap<String, String>,
    pub keys: BTreeMap<String, u64>,
    pub primary_keys: BTreeMap<String, u64>,
    pub num_nodes: u64,
}

const PATH: &str = "/v1/operator/keyring";

impl Client {
    /// Of all pools, or with `local` of the members of this datacenter alone.
    pub async fn keyring(&self, local: bool) -> Result<Vec<KeyringPool>, ClientError> {
        let query = Query::new().with_some("local-only", local.then_some("1"));
        Ok(self.get(PATH, &query).await?.value)
    }

    pub async fn install_key(&self, key: &str) -> Result<(), ClientError> {
        self.change_keyring(Method::POST, key).await
    }

    pub async fn use_key(&self, key: &str) -> Result<(), ClientError> {
        self.change_keyring(Method::PUT, key).await
    }

    pub async fn remove_key(&self, key: &str) -> Result<(), ClientError> {
        self.change_keyring(Method::DELETE, key).await
    }

    async fn change_keyring(&self, method: Method, key: &str) -> Result<(), ClientError> {
        self.call(method, PATH, &Query::new(), Some(&json!({"Key": key}))).await.map(drop)
    }
}
