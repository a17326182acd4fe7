use std::time::Duration;

/// How servers are taken in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autopilot {
    /// A server that failed loses its vote once enough others have one.
    pub cleanup_dead_servers: bool,
    /// How long a new server has to be alive before it gets a vote.
    pub server_stabilization_time: Duration,
    /// How far behind the leader's log it may be then.
    pub max_trailing_logs: u64,
    /// No failed server is removed that would leave fewer voters alive than this; 0: than began the cluster.
    pub min_quorum: usize,
}

impl Default for Autopilot {
    fn default() -> Self {
        Self {
            cleanup_dead_servers: true,
            server_stabilization_time: Duration::from_secs(10),
            max_trailing_logs: 250,
            min_quorum: 0,
        }
    }
}
