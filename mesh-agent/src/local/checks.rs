use super::aliases::Aliases;
use super::critical::CriticalSince;
use super::maintenance::is_maintenance;
use super::{LocalCheck, LocalState};
use crate::catalog::Catalog;
use crate::health::{CheckReport, CheckRunners, CheckTls, DesiredCheck, RunnerDeps};
use crate::model::{CheckId, ServiceId};
use crate::task::Shutdown;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Reports that wait to be taken up.
const QUEUE: usize = 1024;
/// Probes are not made more often than this.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Has the registered checks run, takes up what they find, and takes away services that stayed critical.
pub struct CheckKeeper {
    local: Arc<LocalState>,
    registrations: watch::Receiver<u64>,
    runners: CheckRunners,
    reports: mpsc::Receiver<CheckReport>,
    /// How often the services of TTL checks had reported when their current time began.
    heard: HashMap<CheckId, u64>,
    critical: CriticalSince,
}

impl CheckKeeper {
    pub fn new(local: Arc<LocalState>, catalog: Catalog) -> Self {
        let (report, reports) = mpsc::channel(QUEUE);
        let deps = RunnerDeps {
            tls: CheckTls::with_system_roots(),
            aliases: Arc::new(Aliases::new(local.clone(), catalog)),
            reports: report,
            min_interval: MIN_INTERVAL,
            seed: rand::random(),
        };
        let mut registrations = local.registrations();
        registrations.mark_changed();
        let (runners, critical) = (CheckRunners::new(deps), CriticalSince::default());
        Self { local, registrations, runners, reports, heard: HashMap::new(), critical }
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        let mut generation = self.local.generation();
        while !shutdown.has_begun() {
            generation.borrow_and_update();
            self.follow();
            let reap_at = self.critical.observe(&self.local.view(), Instant::now());
            tokio::select! {
                _ = generation.changed() => {}
                Some(report) = self.reports.recv() => self.take_up(&report),
                () = sleep_until(reap_at) => self.reap(),
                () = shutdown.begun() => {}
            }
        }
    }

    /// What runs becomes what is registered, and services that have reported get their time.
    fn follow(&mut self) {
        if self.registrations.has_changed().unwrap_or(false) {
            self.registrations.borrow_and_update();
            self.runners.reconcile(desired(&self.local));
        }
        let view = self.local.view();
        self.heard.retain(|id, _| view.checks.contains_key(id));
        for local in view.checks.values() {
            let before = self.heard.insert(local.definition.id.clone(), local.heard);
            if before.is_some_and(|before| before != local.heard) {
                self.runners.renew(&local.definition.id);
            }
        }
    }

    /// Reports of a run that was replaced meanwhile count no more.
    fn take_up(&mut self, report: &CheckReport) {
        self.follow();
        if self.runners.is_current(report) {
            let heard = self.heard.get(&report.check).copied().unwrap_or_default();
            self.local.take_result(report, heard);
        }
    }

    fn reap(&mut self) {
        for service in self.critical.expired(Instant::now()) {
            self.reap_one(&service);
        }
    }

    fn reap_one(&mut self, service: &ServiceId) {
        match self.local.reap_service(service) {
            Ok(()) => tracing::warn!(%service, "deregistered: a check was critical for too long"),
            Err(error) => {
                tracing::warn!(%error, %service, "critical for too long, but not deregistered; trying later");
                self.critical.postpone(service, Instant::now() + REAP_RETRY);
            }
        }
    }
}

const REAP_RETRY: Duration = Duration::from_secs(30);

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn desired(local: &LocalState) -> Vec<DesiredCheck> {
    let (scripts, now) = (local.options().scripts, local.clock().now().millis());
    let one = |check: &Arc<LocalCheck>| DesiredCheck {
        definition: Arc::new(check.definition.clone()),
        scripts: scripts.allows(check.source),
        ttl_left: check.expires_at.map(|at| Duration::from_millis(at.millis().saturating_sub(now))),
    };
    let view = local.view();
    view.checks.values().filter(|c| !is_maintenance(&c.definition.id)).map(one).collect()
}
