use super::Upstream;
use crate::model::{Meta, Opaque};
use serde::{Deserialize, Serialize};

/// A member of the gossip pool, in serf's form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Member {
    pub name: String,
    pub addr: String,
    pub port: u16,
    pub tags: Meta,
    /// 0 none, 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    pub protocol_min: u8,
    pub protocol_max: u8,
    pub protocol_cur: u8,
    pub delegate_min: u8,
    pub delegate_max: u8,
    pub delegate_cur: u8,
}

/// `/v1/agent/connect/proxy/:id`, which the command-line proxy of version 1.2 reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct ConnectProxyConfig {
    #[serde(rename(serialize = "ProxyServiceID"))]
    pub proxy_service_id: String,
    #[serde(rename(serialize = "TargetServiceID"))]
    pub target_service_id: String,
    pub target_service_name: String,
    pub content_hash: String,
    pub exec_mode: String,
    pub command: Vec<String>,
    pub config: Opaque,
    pub upstreams: Vec<Upstream>,
}
