use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Client, decode};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    #[serde(rename = "ID")]
    id: String,
}

impl Client {
    /// The id of a new session that ends unless it is renewed within `ttl`, such as `15s`.
    pub async fn create_session(&self, name: &str, ttl: &str) -> Result<String, ClientError> {
        let path = "/v1/session/create";
        let body = json!({"Name": name, "TTL": ttl});
        let created: Created = decode(path, &self.put(path, &Query::new(), &body).await?)?;
        Ok(created.id)
    }

    /// # Errors
    /// 404: it has ended.
    pub async fn renew_session(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/session/renew/{}", segment(id));
        self.put(&path, &Query::new(), &Value::Null).await.map(drop)
    }

    pub async fn destroy_session(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/session/destroy/{}", segment(id));
        self.put(&path, &Query::new(), &Value::Null).await.map(drop)
    }
}
