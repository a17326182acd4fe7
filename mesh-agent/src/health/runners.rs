use super::prober::Plan;
use super::report::{CheckReport, RunId};
use super::runner::{CheckRunner, Start};
use super::{AliasSource, CheckRefused, CheckTls};
use crate::model::{CheckDefinition, CheckId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What all checks of an agent share.
pub struct RunnerDeps {
    pub tls: CheckTls,
    pub aliases: Arc<dyn AliasSource>,
    /// Where reports go. Full, it holds the checks back; closed, it ends them.
    pub reports: mpsc::Sender<CheckReport>,
    /// Probes are not made more often than this, whatever a definition says.
    pub min_interval: Duration,
    /// Of the offsets that keep checks with one interval from probing in step.
    pub seed: u64,
}

/// A check that should be running.
pub struct DesiredCheck {
    pub definition: Arc<CheckDefinition>,
    /// Whether its registrar may have scripts run.
    pub scripts: bool,
    /// Time until the first expiry of a TTL check, if it is not the whole TTL.
    pub ttl_left: Option<Duration>,
}

/// The checks that are being run. Dropping it ends them all.
pub struct CheckRunners {
    deps: RunnerDeps,
    running: HashMap<CheckId, CheckRunner>,
    last_run: RunId,
    rng: StdRng,
}

impl CheckRunners {
    pub fn new(deps: RunnerDeps) -> Self {
        let rng = StdRng::seed_from_u64(deps.seed);
        Self { deps, running: HashMap::new(), last_run: RunId::default(), rng }
    }

    /// Makes what runs equal to what should: checks that are running as desired go on undisturbed.
    pub fn reconcile(&mut self, desired: impl IntoIterator<Item = DesiredCheck>) {
        let mut before = std::mem::take(&mut self.running);
        for check in desired {
            let id = check.definition.id.clone();
            let runner = match before.remove(&id) {
                Some(same) if same.scripts == check.scripts && same.definition == check.definition => same,
                _ => match self.start(check) {
                    Ok(runner) => runner,
                    Err(error) => {
                        // Whoever registered it was told so.
                        tracing::debug!(%error, "a registered check is not run");
                        continue;
                    }
                },
            };
            self.running.insert(id, runner);
        }
    }

    fn start(&mut self, check: DesiredCheck) -> Result<CheckRunner, CheckRefused> {
        let plan = Plan::new(&check.definition, &self.deps.tls, check.scripts)?;
        let interval = check.definition.interval.max(self.deps.min_interval);
        let start = Start {
            scripts: check.scripts,
            run: self.next_run(),
            offset: self.rng.random_range(Duration::ZERO..interval),
            interval,
            ttl_left: check.ttl_left,
            aliases: self.deps.aliases.clone(),
            reports: self.deps.reports.clone(),
            definition: check.definition,
        };
        Ok(CheckRunner::start(plan, start))
    }

    fn next_run(&mut self) -> RunId {
        self.last_run.0 += 1;
        self.last_run
    }

    /// A TTL check's service has spoken. False where no such check is running.
    pub fn renew(&mut self, check: &CheckId) -> bool {
        let run = self.next_run();
        self.running.get(check).map(|runner| runner.renew(run)).is_some()
    }

    /// Whether a report comes from a run that is still going on.
    pub fn is_current(&self, report: &CheckReport) -> bool {
        self.running.get(&report.check).is_some_and(|runner| runner.current_run() == report.run)
    }

    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

#[cfg(test)]
mod tests;
