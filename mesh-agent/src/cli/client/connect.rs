use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Answer, Client, decode};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who may, or may not, connect to whom.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Intention {
    #[serde(rename = "ID")]
    pub id: String,
    pub description: String,
    pub source_name: String,
    pub destination_name: String,
    /// `allow` or `deny`.
    pub action: String,
    pub meta: Option<BTreeMap<String, String>>,
    pub precedence: u32,
    /// RFC 3339.
    pub created_at: String,
}

/// How the certificate authority is set up, in the order that operators read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CaConfiguration {
    pub provider: String,
    #[serde(default)]
    pub config: Value,
    #[serde(default)]
    pub state: Value,
    #[serde(default)]
    pub create_index: u64,
    #[serde(default)]
    pub modify_index: u64,
}

/// The roots that the mesh trusts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaRoots {
    #[serde(rename = "ActiveRootID")]
    pub active_root_id: String,
    pub trust_domain: String,
    pub roots: Vec<CaRoot>,
}

/// One of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaRoot {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "RootCert")]
    pub root_cert_pem: String,
}

/// A service's certificate and key.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LeafCert {
    #[serde(rename = "CertPEM")]
    pub cert_pem: String,
    #[serde(rename = "PrivateKeyPEM")]
    pub private_key_pem: String,
    #[serde(rename = "ServiceURI")]
    pub service_uri: String,
}

/// The agent's verdict on a connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Authorization {
    pub authorized: bool,
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Checked {
    allowed: bool,
}

const INTENTIONS: &str = "/v1/connect/intentions";

impl Client {
    pub async fn intentions(&self, query: &Query) -> Result<Vec<Intention>, ClientError> {
        let found: Option<Vec<Intention>> = self.get(INTENTIONS, query).await?.value;
        Ok(found.unwrap_or_default())
    }

    pub async fn intention(&self, id: &str, query: &Query) -> Result<Intention, ClientError> {
        Ok(self.get(&format!("{INTENTIONS}/{}", segment(id)), query).await?.value)
    }

    /// The new intention's id.
    pub async fn create_intention(&self, intention: &Value, query: &Query) -> Result<String, ClientError> {
        let body = self.call(Method::POST, INTENTIONS, query, Some(intention)).await?;
        decode::<Created>(INTENTIONS, &body).map(|created| created.id)
    }

    pub async fn update_intention(
        &self,
        id: &str,
        intention: &Value,
        query: &Query,
    ) -> Result<(), ClientError> {
        self.put(&format!("{INTENTIONS}/{}", segment(id)), query, intention).await.map(drop)
    }

    pub async fn delete_intention(&self, id: &str, query: &Query) -> Result<(), ClientError> {
        let path = format!("{INTENTIONS}/{}", segment(id));
        self.call(Method::DELETE, &path, query, None).await.map(drop)
    }

    /// What would be enforced `by` a `source` or `destination` of this name, first match first.
    pub async fn match_intentions(
        &self,
        by: &str,
        name: &str,
        query: Query,
    ) -> Result<Answer<Vec<Intention>>, ClientError> {
        let query = query.with("by", by).with("name", name);
        let found: Answer<BTreeMap<String, Option<Vec<Intention>>>> =
            self.get(&format!("{INTENTIONS}/match"), &query).await?;
        let value = found.value.into_values().flatten().flatten().collect();
        Ok(Answer { index: found.index, hash: found.hash, value })
    }

    /// Whether a connection would be allowed.
    pub async fn check_intention(
        &self,
        source: &str,
        destination: &str,
        query: Query,
    ) -> Result<bool, ClientError> {
        let query =
            query.with("source", source).with("destination", destination).with("source-type", "consul");
        let checked: Answer<Checked> = self.get(&format!("{INTENTIONS}/check"), &query).await?;
        Ok(checked.value.allowed)
    }

    pub async fn ca_configuration(&self, query: &Query) -> Result<CaConfiguration, ClientError> {
        Ok(self.get("/v1/connect/ca/configuration", query).await?.value)
    }

    pub async fn set_ca_configuration(&self, config: &Value, query: &Query) -> Result<(), ClientError> {
        self.put("/v1/connect/ca/configuration", query, config).await.map(drop)
    }

    /// The roots, as the agent caches them for the proxies beside it.
    pub async fn agent_roots(&self, query: &Query) -> Result<Answer<CaRoots>, ClientError> {
        self.get("/v1/agent/connect/ca/roots", query).await
    }

    pub async fn leaf(&self, service: &str, query: &Query) -> Result<Answer<LeafCert>, ClientError> {
        self.get(&format!("/v1/agent/connect/ca/leaf/{}", segment(service)), query).await
    }

    /// Whether a client with this certificate may connect to the service here.
    pub async fn authorize(
        &self,
        target: &str,
        uri: &str,
        serial: &str,
    ) -> Result<Authorization, ClientError> {
        let path = "/v1/agent/connect/authorize";
        let body = json!({"Target": target, "ClientCertURI": uri, "ClientCertSerial": serial});
        let answer = self.call(Method::POST, path, &Query::new(), Some(&body)).await?;
        decode(path, &answer)
    }
}
