use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Answer, Client, decode};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fired {
    #[serde(rename = "ID")]
    id: String,
}

impl Client {
    /// The id of a new event for all nodes.
    pub async fn fire_event(&self, name: &str, query: &Query, payload: Bytes) -> Result<String, ClientError> {
        let path = format!("/v1/event/fire/{}", segment(name));
        let fired: Fired = decode(&path, &self.exchange(Method::PUT, &path, query, Some(payload)).await?)?;
        Ok(fired.id)
    }

    /// What any endpoint answers; none where the thing does not exist.
    pub async fn look(&self, path: &str, query: &Query) -> Result<Answer<Option<Value>>, ClientError> {
        self.get_found(path, query).await
    }
}
