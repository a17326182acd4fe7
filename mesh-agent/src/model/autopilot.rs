use super::RaftIndex;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How servers are taken in and out, and when one counts as healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutopilotConfig {
    /// A server that failed loses its vote once enough others have one.
    pub cleanup_dead_servers: bool,
    /// A server that has not answered the leader for longer is not healthy.
    pub last_contact_threshold: Duration,
    /// How far behind the leader's log a healthy server may be.
    pub max_trailing_logs: u64,
    /// No failed server is removed that would leave fewer voters alive than this; 0: than began the cluster.
    pub min_quorum: u32,
    /// How long a new server has to be alive before it gets a vote.
    pub server_stabilization_time: Duration,
    pub index: RaftIndex,
}

impl Default for AutopilotConfig {
    fn default() -> Self {
        Self {
            cleanup_dead_servers: true,
            last_contact_threshold: Duration::from_millis(200),
            max_trailing_logs: 250,
            min_quorum: 0,
            server_stabilization_time: Duration::from_secs(10),
            index: RaftIndex::default(),
        }
    }
}
