use super::LocalState;
use super::deferred::Deferred;
use super::plan::plan;
use crate::catalog::{Catalog, CatalogError};
use crate::model::CheckId;
use crate::state::{Command, Deregistration, GetNode, NodeView, Query};
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Keeps the catalog equal to the local state, whichever of the two changed.
pub struct StateSyncer {
    local: Arc<LocalState>,
    catalog: Catalog,
    /// How long an output that changed alone may wait.
    check_update_interval: Duration,
    deferred: Deferred,
    retry: Duration,
}

/// How long a failed round rests, and at most.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(15);
/// Consul's.
const CHECK_UPDATE_INTERVAL: Duration = Duration::from_secs(5 * 60);

impl StateSyncer {
    pub fn new(local: Arc<LocalState>, catalog: Catalog) -> Self {
        let check_update_interval = CHECK_UPDATE_INTERVAL;
        Self { local, catalog, check_update_interval, deferred: Deferred::default(), retry: RETRY }
    }

    /// With zero, outputs are written at once.
    #[must_use]
    pub fn with_check_update_interval(self, interval: Duration) -> Self {
        Self { check_update_interval: interval, ..self }
    }

    /// A change here is written at once; everything is compared again at every interval.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut generation = self.local.generation();
        while !shutdown.has_begun() {
            generation.borrow_and_update();
            let (until, failed) = match self.sync().await {
                Ok(()) => (self.next_round(), false),
                Err(error) => (Instant::now() + self.back_off(&error), true),
            };
            tokio::select! {
                // Changes do not hurry a catalog that cannot take them.
                _ = generation.changed(), if !failed => {}
                () = tokio::time::sleep_until(until) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Spread, so that agents that started together do not all come at once.
    fn next_round(&mut self) -> Instant {
        self.retry = RETRY;
        let interval = splayed(self.local.options().sync_interval);
        let full = Instant::now() + interval;
        self.deferred.next().map_or(full, |output| output.min(full))
    }

    fn back_off(&mut self, error: &CatalogError) -> Duration {
        let rest = self.retry;
        self.retry = (rest * 2).min(RETRY_MAX);
        tracing::warn!(%error, retry = ?rest, "this node's registrations could not be written; trying again");
        rest
    }

    /// One round: compare, write what differs.
    ///
    /// # Errors
    /// There is no leader, or the state machine refused a registration.
    pub async fn sync(&mut self) -> Result<(), CatalogError> {
        let options = self.local.options();
        let known = self.recall();
        let (now, at_once) = (Instant::now(), self.check_update_interval.is_zero());
        let due = |check: &CheckId| at_once || self.deferred.is_due(check, now);
        let plan = plan(options, &self.local.view(), known.as_ref(), due);
        for command in plan.commands {
            self.catalog.write(command).await?;
        }
        let interval = self.check_update_interval;
        self.deferred.observe(&plan.waiting, || now + splayed(interval / 2));
        Ok(())
    }

    /// What the catalog has of this node. It stands for checks that were not looked at yet, so this comes before they
    /// are.
    pub fn recall(&self) -> Option<NodeView> {
        let known = GetNode(self.local.options().node.name.clone()).run(&self.catalog.state());
        self.local.recall(known.as_ref().map_or(&[], |node| &node.checks));
        known
    }

    /// Takes this node out of the catalog: it leaves.
    ///
    /// # Errors
    /// There is no leader.
    pub async fn leave(&self) -> Result<(), CatalogError> {
        let node = self.local.options().node.name.clone();
        let command = Command::Deregister(Deregistration { node, service: None, check: None });
        self.catalog.write(command).await.map(|_| ())
    }
}

/// One to two times `interval`.
fn splayed(interval: Duration) -> Duration {
    interval.mul_f64(1.0 + rand::random::<f64>())
}
