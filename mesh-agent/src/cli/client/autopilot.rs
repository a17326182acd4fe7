use super::{Client, ClientError, Query};
use serde::{Deserialize, Serialize};

/// As `/v1/operator/autopilot/configuration` has it, both ways.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Autopilot {
    pub cleanup_dead_servers: bool,
    pub last_contact_threshold: String,
    pub max_trailing_logs: u64,
    pub min_quorum: u32,
    pub server_stabilization_time: String,
    pub redundancy_zone_tag: String,
    pub disable_upgrade_migration: bool,
    pub upgrade_version_tag: String,
    pub create_index: u64,
    pub modify_index: u64,
}

impl Client {
    pub async fn autopilot(&self, query: &Query) -> Result<Autopilot, ClientError> {
        Ok(self.get("/v1/operator/autopilot/configuration", query).await?.value)
    }

    /// Replaces what was read; `false` where somebody else has changed it meanwhile.
    pub async fn set_autopilot(&self, config: &Autopilot, query: Query) -> Result<bool, ClientError> {
        let query = query.with("cas", config.modify_index.to_string());
        let body = serde_json::to_value(config).unwrap_or_default();
        let answer = self.put("/v1/operator/autopilot/configuration", &query, &body).await?;
        Ok(answer.trim_ascii() == b"true")
    }
}
