use super::alias::AliasWatch;
use super::prober::{Plan, Prober};
use super::report::{CheckReport, RunId};
use super::transition::{Streak, Thresholds, transition};
use super::ttl::TtlWatch;
use super::{AliasSource, AliasTarget};
use crate::model::{CheckDefinition, CheckId};
use crate::task::TaskGroup;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// A check that is being run; dropping it ends the run, and the script it may be in.
#[derive(Debug)]
pub(super) struct CheckRunner {
    pub(super) definition: Arc<CheckDefinition>,
    /// Whether a script of this check was allowed when it started.
    pub(super) scripts: bool,
    run: watch::Sender<RunId>,
    _task: TaskGroup,
}

/// Everything that a run of one check needs.
pub(super) struct Start {
    pub(super) definition: Arc<CheckDefinition>,
    pub(super) scripts: bool,
    pub(super) run: RunId,
    /// Time until the first probe.
    pub(super) offset: Duration,
    pub(super) interval: Duration,
    /// Time until the first expiry of a TTL check, if it is not the whole TTL.
    pub(super) ttl_left: Option<Duration>,
    pub(super) aliases: Arc<dyn AliasSource>,
    pub(super) reports: mpsc::Sender<CheckReport>,
}

impl CheckRunner {
    pub(super) fn start(plan: Plan, start: Start) -> Self {
        let (definition, scripts) = (start.definition.clone(), start.scripts);
        let (run, renewals) = watch::channel(start.run);
        let mut task = TaskGroup::new();
        match plan {
            Plan::Periodic(prober) => task.spawn("check", start.periodic(prober).run()),
            Plan::Ttl(ttl) => task.spawn("TTL check", start.ttl(ttl, renewals).run()),
            Plan::Alias(target) => task.spawn("alias check", start.alias(target).run()),
        }
        Self { definition, scripts, run, _task: task }
    }

    pub(super) fn current_run(&self) -> RunId {
        *self.run.borrow()
    }

    /// The service has spoken: the time until expiry starts anew, and older reports are void.
    pub(super) fn renew(&self, run: RunId) {
        self.run.send_replace(run);
    }
}

impl Start {
    fn periodic(self, prober: Prober) -> Periodic {
        Periodic {
            check: self.definition.id.clone(),
            thresholds: Thresholds::from(&*self.definition),
            prober,
            run: self.run,
            offset: self.offset,
            interval: self.interval,
            reports: self.reports,
        }
    }

    fn ttl(self, ttl: Duration, renewals: watch::Receiver<RunId>) -> TtlWatch {
        let first_deadline = Instant::now() + self.ttl_left.unwrap_or(ttl);
        TtlWatch { check: self.definition.id.clone(), ttl, first_deadline, renewals, reports: self.reports }
    }

    fn alias(self, target: AliasTarget) -> AliasWatch {
        let check = self.definition.id.clone();
        AliasWatch { check, run: self.run, target, source: self.aliases, reports: self.reports }
    }
}

/// Probes at every interval. A probe that takes longer delays the next; there are never two at once.
pub(super) struct Periodic {
    pub(super) check: CheckId,
    pub(super) thresholds: Thresholds,
    pub(super) prober: Prober,
    pub(super) run: RunId,
    pub(super) offset: Duration,
    pub(super) interval: Duration,
    pub(super) reports: mpsc::Sender<CheckReport>,
}

impl Periodic {
    /// Ends when the owner of the reports is gone.
    pub(super) async fn run(self) {
        let mut ticks = interval_at(Instant::now() + self.offset, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut streak = Streak::default();
        loop {
            ticks.tick().await;
            let found = self.prober.probe().await;
            let (next, status) = transition(streak, found.status, &self.thresholds);
            streak = next;
            let Some(status) = status else { continue };
            let report =
                CheckReport { check: self.check.clone(), run: self.run, status, output: found.output };
            if self.reports.send(report).await.is_err() {
                return;
            }
        }
    }
}
