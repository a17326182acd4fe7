use super::report::{CheckReport, ProbeResult, RunId};
use crate::model::{CheckId, CheckStatus, HealthCheck, NodeName, ServiceId};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Whose checks an alias follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasTarget {
    /// Absent means this node.
    pub node: Option<NodeName>,
    /// Absent means the node itself.
    pub service: Option<ServiceId>,
}

impl fmt::Display for AliasTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.service, &self.node) {
            (Some(service), Some(node)) => write!(f, "service {service} on node {node}"),
            (Some(service), None) => write!(f, "service {service} on this node"),
            (None, Some(node)) => write!(f, "node {node}"),
            (None, None) => f.write_str("this node"),
        }
    }
}

/// Where aliases learn of other checks. `local` provides it.
pub trait AliasSource: Send + Sync {
    /// The checks of the target's service and of its node; `None` while the target is not registered.
    fn checks(&self, target: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>>;

    /// Completes when [`AliasSource::checks`] may answer otherwise than at the moment of this call.
    fn changed(&self, target: &AliasTarget) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Reports the worst of the checks it follows, whenever that changes.
pub(super) struct AliasWatch {
    pub(super) check: CheckId,
    pub(super) run: RunId,
    pub(super) target: AliasTarget,
    pub(super) source: Arc<dyn AliasSource>,
    pub(super) reports: mpsc::Sender<CheckReport>,
}

impl AliasWatch {
    /// Ends when the owner of the reports is gone.
    pub(super) async fn run(self) {
        let mut last = None;
        loop {
            // Armed before the look, so that no change between the two goes unnoticed.
            let changed = self.source.changed(&self.target);
            let found = judge(&self.target, self.source.checks(&self.target).as_deref(), &self.check);
            if last.as_ref() != Some(&found) {
                last = Some(found.clone());
                if self.reports.send(self.report(found)).await.is_err() {
                    return;
                }
            }
            changed.await;
        }
    }

    fn report(&self, found: ProbeResult) -> CheckReport {
        CheckReport { check: self.check.clone(), run: self.run, status: found.status, output: found.output }
    }
}

/// The worst of `checks` but for the alias itself, which would otherwise hold itself down.
fn judge(target: &AliasTarget, checks: Option<&[Arc<HealthCheck>]>, own: &CheckId) -> ProbeResult {
    let Some(checks) = checks else {
        return ProbeResult::critical(format!("The aliased {target} could not be found"));
    };
    let worst = checks.iter().filter(|c| c.id != *own).max_by_key(|c| c.status);
    match worst {
        None => ProbeResult::passing("No checks found."),
        Some(check) if check.status == CheckStatus::Passing => ProbeResult::passing("All checks passing."),
        Some(check) => ProbeResult {
            status: check.status,
            output: format!("Aliased check {:?} failing: {}", check.name, check.output),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, health_check};
    use super::*;
    use crate::task::TaskGroup;
    use tokio::sync::watch;

    fn web() -> AliasTarget {
        AliasTarget { node: None, service: Some(ServiceId::new("web").unwrap()) }
    }

    #[test]
    fn an_alias_is_as_bad_as_the_worst_check_it_follows() {
        use CheckStatus::{Critical, Passing, Warning};
        type Row<'a> = (&'a [(&'a str, CheckStatus)], CheckStatus, &'a str);
        let table: [Row<'_>; 5] = [
            (&[], Passing, "No checks found."),
            (&[("a", Passing), ("b", Passing)], Passing, "All checks passing."),
            (&[("a", Passing), ("b", Warning)], Warning, "Aliased check \"b\" failing"),
            (&[("a", Critical), ("b", Warning)], Critical, "Aliased check \"a\" failing"),
            (&[("own", Critical)], Passing, "No checks found."),
        ];
        for (checks, status, words) in table {
            let checks: Vec<_> = checks.iter().map(|(id, s)| Arc::new(health_check(id, *s))).collect();
            let found = judge(&web(), Some(&checks), &testing::id("own"));
            assert_eq!(found.status, status);
            assert!(found.output.contains(words), "{}", found.output);
        }
        let missing = judge(&web(), None, &testing::id("own"));
        assert_eq!(missing.output, "The aliased service web on this node could not be found");
        assert_eq!(missing.status, Critical);
    }

    struct Fixture(watch::Sender<Option<CheckStatus>>);

    impl AliasSource for Fixture {
        fn checks(&self, _: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>> {
            self.0.borrow().map(|status| vec![Arc::new(health_check("a", status))])
        }
        fn changed(&self, _: &AliasTarget) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let mut seen = self.0.subscribe();
            Box::pin(async move { seen.changed().await.unwrap() })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_changes_are_reported() {
        let source = Arc::new(Fixture(watch::channel(None).0));
        let (reports, mut received) = mpsc::channel(1);
        let mut tasks = TaskGroup::new();
        let (check, run) = (testing::id("c"), RunId(3));
        let watch = AliasWatch { check, run, target: web(), source: source.clone(), reports };
        tasks.spawn("alias", watch.run());
        assert_eq!(received.recv().await.unwrap().status, CheckStatus::Critical);
        source.0.send_replace(Some(CheckStatus::Passing));
        assert_eq!(received.recv().await.unwrap().status, CheckStatus::Passing);
        source.0.send_replace(Some(CheckStatus::Passing));
        let quiet = tokio::time::timeout(std::time::Duration::from_secs(60), received.recv()).await;
        assert!(quiet.is_err());
    }
}
