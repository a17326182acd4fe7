use super::GoDuration;
use crate::model::{AutopilotConfig, RaftIndex};
use serde::{Deserialize, Serialize};

/// `/v1/operator/autopilot/configuration`, both ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Autopilot {
    pub cleanup_dead_servers: bool,
    pub last_contact_threshold: GoDuration,
    pub max_trailing_logs: u64,
    pub min_quorum: u32,
    pub server_stabilization_time: GoDuration,
    /// Without effect, as the two below: Consul's Enterprise knows them.
    pub redundancy_zone_tag: String,
    pub disable_upgrade_migration: bool,
    pub upgrade_version_tag: String,
    pub create_index: u64,
    pub modify_index: u64,
}

impl Default for Autopilot {
    fn default() -> Self {
        Self::from(&AutopilotConfig::default())
    }
}

impl From<&AutopilotConfig> for Autopilot {
    fn from(config: &AutopilotConfig) -> Self {
        Self {
            cleanup_dead_servers: config.cleanup_dead_servers,
            last_contact_threshold: GoDuration(config.last_contact_threshold),
            max_trailing_logs: config.max_trailing_logs,
            min_quorum: config.min_quorum,
            server_stabilization_time: GoDuration(config.server_stabilization_time),
            redundancy_zone_tag: String::new(),
            disable_upgrade_migration: false,
            upgrade_version_tag: String::new(),
            create_index: config.index.create,
            modify_index: config.index.modify,
        }
    }
}

impl From<Autopilot> for AutopilotConfig {
    fn from(wire: Autopilot) -> Self {
        Self {
            cleanup_dead_servers: wire.cleanup_dead_servers,
            last_contact_threshold: wire.last_contact_threshold.0,
            max_trailing_logs: wire.max_trailing_logs,
            min_quorum: wire.min_quorum,
            server_stabilization_time: wire.server_stabilization_time.0,
            index: RaftIndex::default(),
        }
    }
}

/// `/v1/operator/autopilot/health`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServersHealth {
    pub healthy: bool,
    pub failure_tolerance: usize,
    pub servers: Vec<ServerHealth>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServerHealth {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    /// `ip:port`
    pub address: String,
    pub serf_status: String,
    pub version: String,
    pub leader: bool,
    pub last_contact: String,
    pub last_term: u64,
    pub last_index: u64,
    pub healthy: bool,
    pub voter: bool,
    /// RFC 3339.
    pub stable_since: String,
}
