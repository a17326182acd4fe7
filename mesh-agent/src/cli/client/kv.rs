use super::error::ClientError;
use super::query::{Query, segment};
use super::request::{Answer, Client, decode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Deserializer};

/// A stored value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KvPair {
    pub key: String,
    pub flags: u64,
    #[serde(deserialize_with = "from_base64")]
    pub value: Vec<u8>,
    /// Who holds the lock; empty for nobody.
    pub session: String,
    pub lock_index: u64,
    pub create_index: u64,
    pub modify_index: u64,
}

fn from_base64<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(source)?.unwrap_or_default();
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

/// A path below `/v1/kv/`: slashes part keys as they part paths.
fn path(key: &str) -> String {
    format!("/v1/kv/{}", key.split('/').map(segment).collect::<Vec<_>>().join("/"))
}

impl Client {
    /// Where there is no such key, the index to wait for it with.
    pub async fn kv_get(&self, key: &str, query: &Query) -> Result<Answer<Option<KvPair>>, ClientError> {
        let answer: Answer<Option<Vec<KvPair>>> = self.get_found(&path(key), query).await?;
        let value = answer.value.and_then(|pairs| pairs.into_iter().next());
        Ok(Answer { index: answer.index, hash: answer.hash, value })
    }

    /// All values below a prefix.
    pub async fn kv_list(&self, prefix: &str, query: Query) -> Result<Answer<Vec<KvPair>>, ClientError> {
        let answer = self.get_found(&path(prefix), &query.with("recurse", "")).await?;
        let value: Option<Vec<KvPair>> = answer.value;
        Ok(Answer { index: answer.index, hash: answer.hash, value: value.unwrap_or_default() })
    }

    /// All keys below a prefix, and the index to wait for others with.
    pub async fn kv_all_keys(&self, prefix: &str, query: Query) -> Result<Answer<Vec<String>>, ClientError> {
        let found: Answer<Option<Vec<String>>> =
            self.get_found(&path(prefix), &query.with("keys", "")).await?;
        Ok(Answer { index: found.index, hash: found.hash, value: found.value.unwrap_or_default() })
    }

    pub async fn kv_keys(
        &self,
        prefix: &str,
        separator: &str,
        query: Query,
    ) -> Result<Vec<String>, ClientError> {
        let query = query.with("keys", "").with_some("separator", Some(separator));
        let found: Answer<Option<Vec<String>>> = self.get_found(&path(prefix), &query).await?;
        Ok(found.value.unwrap_or_default())
    }

    /// Whether the condition of the write held.
    pub async fn kv_put(&self, key: &str, query: &Query, value: Bytes) -> Result<bool, ClientError> {
        let path = path(key);
        decode(&path, &self.exchange(Method::PUT, &path, query, Some(value)).await?)
    }

    /// Whether the condition of the deletion held.
    pub async fn kv_delete(&self, key: &str, query: &Query) -> Result<bool, ClientError> {
        let path = path(key);
        decode(&path, &self.exchange(Method::DELETE, &path, query, None).await?)
    }
}
