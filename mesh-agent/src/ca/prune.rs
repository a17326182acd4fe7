use super::rotation::is_spent;
use super::{CaError, CaManager};
use crate::model::CaRoot;
use crate::pki::RootInfo;
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// The roots without those whose last leaf has expired, and without the cross-signed certificates that
/// led to them. `None` if there is nothing to remove. `now` is in Unix seconds.
pub fn prune(roots: &[CaRoot], now: u64, leaf_ttl: Duration) -> Option<Vec<CaRoot>> {
    let mut kept: Vec<CaRoot> = roots.iter().filter(|r| !is_spent(r, now, leaf_ttl)).cloned().collect();
    if kept.len() == roots.len() {
        return None;
    }
    let old: Vec<String> = kept.iter().filter(|r| !r.active).map(|r| r.signing_key_id.clone()).collect();
    for root in &mut kept {
        root.intermediate_pems.retain(|pem| leads_to_one_of(&old, pem));
    }
    Some(kept)
}

fn leads_to_one_of(key_ids: &[String], intermediate_pem: &str) -> bool {
    RootInfo::from_pem(intermediate_pem).is_ok_and(|i| key_ids.contains(&i.authority_key_id))
}

/// The leader's upkeep of its roots: removes old ones, and replaces one that nears its end.
pub struct RootPruner {
    manager: Arc<CaManager>,
    period: Duration,
    leads: Box<dyn Fn() -> bool + Send + Sync>,
}

impl RootPruner {
    /// Looks at start and then once in a `period`, whether this server `leads`: two that replace a root at the
    /// same time would replace it twice.
    pub fn new(
        manager: Arc<CaManager>,
        period: Duration,
        leads: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { manager, period, leads: Box::new(leads) }
    }

    pub async fn run(self, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.upkeep().await {
                tracing::warn!(%error, "the CA's roots could not be looked after; trying again later");
            }
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(self.period) => {}
            }
        }
    }

    async fn upkeep(&self) -> Result<(), CaError> {
        if !(self.leads)() {
            return Ok(());
        }
        self.manager.prune().await?;
        self.manager.renew().await
    }
}
