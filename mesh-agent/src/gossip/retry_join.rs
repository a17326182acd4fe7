use super::{Gossip, GossipError};
use crate::task::Shutdown;
use std::time::Duration;

/// Joins when it can: tries again until somebody answers.
pub struct RetryJoin {
    pub addresses: Vec<String>,
    pub default_port: u16,
    pub interval: Duration,
    /// 0 for no limit.
    pub most: u32,
}

impl RetryJoin {
    /// # Errors
    /// So often as it may try, nobody answered.
    pub async fn run(self, gossip: Gossip, shutdown: Shutdown) -> Result<(), Vec<GossipError>> {
        let mut attempt = 0u32;
        loop {
            attempt += 1;
            let joins = gossip.join(&self.addresses, self.default_port).await;
            if !joins.joined.is_empty() {
                tracing::info!(members = ?joins.joined, attempt, "joined");
                return Ok(());
            }
            for error in &joins.failed {
                tracing::warn!(%error, attempt, "cannot join yet");
            }
            if self.most > 0 && attempt >= self.most {
                return Err(joins.failed);
            }
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = tokio::time::sleep(self.interval) => {}
            }
        }
    }
}
