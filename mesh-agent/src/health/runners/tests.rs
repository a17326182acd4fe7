use super::super::prober::{Prober, validate};
use super::super::runner::Periodic;
use super::super::testing::{self, NoAliases, definition};
use super::super::transition::Thresholds;
use super::*;
use crate::model::{CheckStatus, Probe};
use crate::task::TaskGroup;
use tokio::net::TcpListener;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(5);

fn runners(reports: mpsc::Sender<CheckReport>) -> CheckRunners {
    let tls = CheckTls::new(rustls::RootCertStore::empty());
    CheckRunners::new(RunnerDeps { tls, aliases: Arc::new(NoAliases), reports, min_interval: SHORT, seed: 7 })
}

fn often(probe: Probe) -> CheckDefinition {
    CheckDefinition { interval: SHORT, ..definition("c", probe) }
}

fn desired(check: &CheckDefinition) -> DesiredCheck {
    DesiredCheck { definition: Arc::new(check.clone()), scripts: false, ttl_left: None }
}

async fn next_status(reports: &mut mpsc::Receiver<CheckReport>, status: CheckStatus) -> CheckReport {
    let wait = async {
        loop {
            let report = reports.recv().await.expect("the checks run");
            if report.status == status {
                return report;
            }
        }
    };
    timeout(Duration::from_secs(10), wait).await.expect("the status comes")
}

#[tokio::test]
async fn a_check_follows_what_it_probes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, mut reports) = mpsc::channel(1);
    let mut runners = runners(sender);
    runners.reconcile([desired(&often(Probe::Tcp { address: address.to_string() }))]);
    next_status(&mut reports, CheckStatus::Passing).await;
    drop(listener);
    next_status(&mut reports, CheckStatus::Critical).await;
    let _again = TcpListener::bind(address).await.unwrap();
    next_status(&mut reports, CheckStatus::Passing).await;
}

#[tokio::test]
async fn what_stays_the_same_goes_on_and_what_is_gone_ends() {
    let (sender, mut reports) = mpsc::channel(1);
    let mut runners = runners(sender);
    let closed = format!("127.0.0.1:{}", testing::free_port());
    let check = often(Probe::Tcp { address: closed });
    runners.reconcile([desired(&check)]);
    let first = next_status(&mut reports, CheckStatus::Critical).await;
    runners.reconcile([desired(&check)]);
    assert!(runners.is_current(&first), "an unchanged check was restarted");

    runners.reconcile([desired(&CheckDefinition { timeout: Duration::from_secs(3), ..check })]);
    assert!(!runners.is_current(&first), "a report of the old definition would be taken");

    runners.reconcile([]);
    drop(runners);
    while reports.recv().await.is_some() {}
}

#[tokio::test]
async fn a_refused_check_does_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("ran");
    let args = vec!["/bin/touch".to_owned(), trace.display().to_string()];
    let check = often(Probe::Script { args });
    let (sender, mut reports) = mpsc::channel(1);
    let mut runners = runners(sender);
    assert!(validate(&check, false).is_err() && validate(&check, true).is_ok());
    runners.reconcile([desired(&check)]);
    assert!(runners.is_empty());
    assert!(!trace.exists());
    // The same check, allowed, does run, so that the test can fail.
    runners.reconcile([DesiredCheck { scripts: true, ..desired(&check) }]);
    next_status(&mut reports, CheckStatus::Passing).await;
    assert!(trace.exists());
}

#[tokio::test(start_paused = true)]
async fn first_probes_are_spread_over_the_interval() {
    let (sender, mut reports) = mpsc::channel(64);
    let mut runners = runners(sender);
    // Refused at once and without the network: the name cannot be an address.
    let check = |n: u32| CheckDefinition {
        timeout: Duration::ZERO,
        interval: Duration::from_secs(60),
        ..definition(&n.to_string(), Probe::Tcp { address: "127.0.0.1:1".to_owned() })
    };
    let start = tokio::time::Instant::now();
    runners.reconcile((0..40).map(|n| desired(&check(n))));
    let mut quarters = [0; 4];
    for _ in 0..40 {
        reports.recv().await.unwrap();
        quarters[usize::try_from(start.elapsed().as_secs() / 15).unwrap().min(3)] += 1;
    }
    assert!(start.elapsed() <= Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(quarters.iter().all(|q| *q >= 3), "{quarters:?}");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_a_renewal_overtook_is_void() {
    let (sender, mut reports) = mpsc::channel(1);
    let mut runners = runners(sender);
    runners.reconcile([desired(&definition("c", Probe::Ttl { ttl: Duration::from_secs(1) }))]);
    let expired = reports.recv().await.unwrap();
    assert!(runners.is_current(&expired));
    assert!(runners.renew(&testing::id("c")));
    assert!(!runners.is_current(&expired));
    assert!(!runners.renew(&testing::id("unknown")));
}

#[tokio::test(start_paused = true)]
async fn a_prober_that_panics_is_critical_and_goes_on() {
    let (reports, mut received) = mpsc::channel(1);
    let thresholds =
        Thresholds { success_before_passing: 1, failures_before_warning: 1, failures_before_critical: 1 };
    let periodic = Periodic {
        check: testing::id("c"),
        thresholds,
        prober: Prober::panicking(),
        run: RunId(1),
        offset: Duration::ZERO,
        interval: Duration::from_secs(1),
        reports,
    };
    let mut tasks = TaskGroup::new();
    tasks.spawn("check", periodic.run());
    for _ in 0..2 {
        assert_eq!(received.recv().await.unwrap().status, CheckStatus::Critical);
    }
}
