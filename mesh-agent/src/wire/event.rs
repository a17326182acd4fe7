use super::kv::base64_or_null;
use crate::model::KvValue;
use serde::Serialize;

/// An event as `/v1/event` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserEvent {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    /// Base64; null where there is nothing.
    #[serde(serialize_with = "base64_or_null")]
    pub payload: KvValue,
    pub node_filter: String,
    pub service_filter: String,
    pub tag_filter: String,
    /// Of the format.
    pub version: u8,
    #[serde(rename = "LTime")]
    pub lamport_time: u64,
}
