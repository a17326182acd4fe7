use super::{Gossip, GossipError, Joins};
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
        let (mut attempt, mut most, mut interval) = (0u32, self.most, self.interval);
        loop {
            attempt += 1;
            let joins = gossip.join(&self.addresses, self.default_port).await;
            if !joins.joined.is_empty() {
                tracing::info!(members = ?joins.joined, attempt, "joined");
                if !is_alone_soon(&gossip, &shutdown).await {
                    return Ok(());
                }
                tracing::warn!("whoever was joined is gone, and nobody else is known: it is tried again");
                // Who was a member once does not give up any more.
                (attempt, most, interval) = (0, 0, interval.max(SETTLED));
                continue;
            }
            if joins.only_itself() {
                tracing::info!("the addresses to join are this agent's own: others join it");
                return Ok(());
            }
            for error in joins.failed.iter().filter(|error| !error.is_itself()) {
                tracing::warn!(%error, attempt, "cannot join yet");
            }
            if most > 0 && attempt >= most {
                return joins.outcome().map(drop);
            }
            tokio::select! {
                () = shutdown.begun() => return Ok(()),
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}

/// Who was joined may be gone before it has told of the others. Whoever is known for so long is known to others.
const SETTLED: Duration = Duration::from_secs(15);

/// Whether this member knows no other one after a while.
async fn is_alone_soon(gossip: &Gossip, shutdown: &Shutdown) -> bool {
    tokio::select! {
        () = shutdown.begun() => return false,
        () = tokio::time::sleep(SETTLED) => {}
    }
    gossip.members().alive().nth(1).is_none()
}

impl Joins {
    /// Whether it counts as joined: an agent that is named among others may be the first of them.
    ///
    /// # Errors
    /// Nobody answered, not even this agent itself.
    pub fn outcome(self) -> Result<Self, Vec<GossipError>> {
        let is_in = !self.joined.is_empty() || self.failed.iter().any(GossipError::is_itself);
        if is_in { Ok(self) } else { Err(self.failed) }
    }

    fn only_itself(&self) -> bool {
        self.joined.is_empty() && self.failed.iter().all(GossipError::is_itself)
    }
}
