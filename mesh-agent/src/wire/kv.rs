use crate::model::{KvEntry, KvValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

/// A stored value as `/v1/kv` and transactions show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KvPair {
    pub lock_index: u64,
    pub key: String,
    pub flags: u64,
    /// Base64; null where there is nothing.
    #[serde(serialize_with = "base64_or_null")]
    pub value: KvValue,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&KvEntry> for KvPair {
    fn from(entry: &KvEntry) -> Self {
        Self {
            lock_index: entry.lock_index,
            key: entry.key.to_string(),
            flags: entry.flags,
            value: entry.value.clone(),
            session: entry.session.map(|id| id.to_string()).unwrap_or_default(),
            create_index: entry.index.create,
            modify_index: entry.index.modify,
        }
    }
}

pub(super) fn base64_or_null<S: Serializer>(value: &KvValue, target: S) -> Result<S::Ok, S::Error> {
    if value.is_empty() { target.serialize_none() } else { target.serialize_str(&STANDARD.encode(&value.0)) }
}
