use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Client, decode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How often a session is renewed: well within any that can be asked for.
const RENEW: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    #[serde(rename = "ID")]
    id: String,
}

impl Client {
    /// The id of a new session that ends unless it is renewed within `ttl`, such as `15s`.
    pub async fn create_session(&self, name: &str, ttl: &str) -> Result<String, ClientError> {
        self.create_session_as(&json!({"Name": name, "TTL": ttl}), &Query::new()).await
    }

    /// The id of a new session of this description.
    pub async fn create_session_as(&self, session: &Value, query: &Query) -> Result<String, ClientError> {
        let path = "/v1/session/create";
        let created: Created = decode(path, &self.put(path, query, session).await?)?;
        Ok(created.id)
    }

    /// Keeps a session alive; ends with the reason when it could not be kept.
    pub async fn keep_session(&self, id: &str, query: &Query, retries: u32) -> String {
        let mut failures = 0;
        loop {
            tokio::time::sleep(RENEW).await;
            match self.renew_session(id, query).await {
                Ok(()) => failures = 0,
                Err(error) if error.status() == Some(404) => return "its session has ended".to_owned(),
                Err(error) if failures >= retries => return error.to_string(),
                Err(_) => failures += 1,
            }
        }
    }

    /// # Errors
    /// 404: it has ended.
    pub async fn renew_session(&self, id: &str, query: &Query) -> Result<(), ClientError> {
        let path = format!("/v1/session/renew/{}", segment(id));
        self.put(&path, query, &Value::Null).await.map(drop)
    }

    pub async fn destroy_session(&self, id: &str, query: &Query) -> Result<(), ClientError> {
        let path = format!("/v1/session/destroy/{}", segment(id));
        self.put(&path, query, &Value::Null).await.map(drop)
    }
}
