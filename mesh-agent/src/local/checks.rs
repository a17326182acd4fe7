use super::aliases::Aliases;
use super::critical::CriticalSince;
use super::{LocalCheck, LocalState, ScriptPolicy, Source};
use crate::catalog::Catalog;
use crate::health::{CheckReport, CheckRunners, CheckTls, DesiredCheck, RunnerDeps};
use crate::model::{CheckId, ServiceId};
use crate::task::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Reports and renewals that wait to be taken up.
const QUEUE: usize = 1024;
/// Probes are not made more often than this.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Has the registered checks run, takes up what they find, and takes away services that stayed critical.
pub struct CheckKeeper {
    local: Arc<LocalState>,
    runners: CheckRunners,
    reports: mpsc::Receiver<CheckReport>,
    renewals: mpsc::Receiver<CheckId>,
    critical: CriticalSince,
}

/// Tells the keeper that a service has reported its TTL check.
#[derive(Clone)]
pub struct TtlRenewals(mpsc::Sender<CheckId>);

impl TtlRenewals {
    /// The check's time begins anew. When thousands wait already, the report counts but the time does not.
    pub fn renew(&self, check: &CheckId) {
        if self.0.try_send(check.clone()).is_err() {
            tracing::warn!(%check, "too many TTL reports at once: this one did not renew its check");
        }
    }
}

impl CheckKeeper {
    pub fn new(local: Arc<LocalState>, catalog: Catalog) -> (Self, TtlRenewals) {
        let (report, reports) = mpsc::channel(QUEUE);
        let (renew, renewals) = mpsc::channel(QUEUE);
        let deps = RunnerDeps {
            tls: CheckTls::with_system_roots(),
            aliases: Arc::new(Aliases::new(local.clone(), catalog)),
            reports: report,
            min_interval: MIN_INTERVAL,
            seed: rand::random(),
        };
        let (runners, critical) = (CheckRunners::new(deps), CriticalSince::default());
        (Self { local, runners, reports, renewals, critical }, TtlRenewals(renew))
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        let mut generation = self.local.generation();
        while !shutdown.has_begun() {
            generation.borrow_and_update();
            self.runners.reconcile(desired(&self.local));
            let reap_at = self.critical.observe(&self.local.view(), Instant::now());
            tokio::select! {
                _ = generation.changed() => {}
                Some(report) = self.reports.recv() => self.take_up(&report),
                Some(check) = self.renewals.recv() => drop(self.runners.renew(&check)),
                () = sleep_until(reap_at) => self.reap(),
                () = shutdown.begun() => {}
            }
        }
    }

    /// Reports of a run that was replaced meanwhile count no more.
    fn take_up(&self, report: &CheckReport) {
        if self.runners.is_current(report) {
            self.local.update_check(&report.check, report.status, &report.output);
        }
    }

    fn reap(&self) {
        for service in self.critical.expired(Instant::now()) {
            self.reap_one(&service);
        }
    }

    fn reap_one(&self, service: &ServiceId) {
        match self.local.remove_service(service) {
            Ok(()) => tracing::warn!(%service, "deregistered: a check was critical for too long"),
            Err(error) => tracing::warn!(%error, %service, "critical for too long, but not deregistered"),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn desired(local: &LocalState) -> Vec<DesiredCheck> {
    let scripts = local.options().scripts;
    let one = |check: &LocalCheck| DesiredCheck {
        definition: Arc::new(check.definition.clone()),
        scripts: match check.source {
            Source::Configuration => scripts != ScriptPolicy::Nobody,
            Source::Api => scripts == ScriptPolicy::Anybody,
        },
        ttl_left: None,
    };
    local.view().checks.values().map(one).collect()
}
