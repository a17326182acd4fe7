use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `/v1/operator/keyring`: which keys the members of a pool have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct KeyringPool {
    #[serde(rename(serialize = "WAN"))]
    pub wan: bool,
    pub datacenter: String,
    pub segment: String,
    /// By member, what went wrong.
    pub messages: BTreeMap<String, String>,
    /// By key, how many have it.
    pub keys: BTreeMap<String, usize>,
    /// And how many seal with it.
    pub primary_keys: BTreeMap<String, usize>,
    pub num_nodes: usize,
}

/// The key to install, use or remove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct KeyringRequest {
    pub key: String,
}
