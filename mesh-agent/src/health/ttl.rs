use super::report::{CheckReport, RunId};
use crate::model::{CheckId, CheckStatus};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Reports a check as critical when its service has not spoken for `ttl`.
///
/// The run id travels with each renewal: an expiry that was reported just before one carries the older
/// id, and the owner drops it.
pub(super) struct TtlWatch {
    pub(super) check: CheckId,
    pub(super) ttl: Duration,
    pub(super) first_deadline: Instant,
    pub(super) renewals: watch::Receiver<RunId>,
    pub(super) reports: mpsc::Sender<CheckReport>,
}

impl TtlWatch {
    /// Ends when the check's handle or the owner of the reports is gone.
    pub(super) async fn run(mut self) {
        let mut deadline = self.first_deadline;
        loop {
            let expired = self.expires_by(deadline).await;
            match expired {
                Some(true) if self.report().await.is_err() => return,
                Some(true) if self.renewals.changed().await.is_err() => return,
                None => return,
                _ => deadline = Instant::now() + self.ttl,
            }
        }
    }

    /// Whether the deadline passed before a renewal came; `None` when the handle is gone.
    async fn expires_by(&mut self, deadline: Instant) -> Option<bool> {
        tokio::select! {
            biased;
            renewed = self.renewals.changed() => renewed.ok().map(|()| false),
            () = sleep_until(deadline) => Some(true),
        }
    }

    async fn report(&mut self) -> Result<(), mpsc::error::SendError<CheckReport>> {
        let report = CheckReport {
            check: self.check.clone(),
            run: *self.renewals.borrow(),
            status: CheckStatus::Critical,
            output: "TTL expired".to_owned(),
        };
        self.reports.send(report).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::task::TaskGroup;

    const TTL: Duration = Duration::from_secs(10);

    fn watch_one(first: Duration) -> (TaskGroup, watch::Sender<RunId>, mpsc::Receiver<CheckReport>) {
        let (renew, renewals) = watch::channel(RunId(1));
        let (reports, received) = mpsc::channel(4);
        let first_deadline = Instant::now() + first;
        let ttl = TtlWatch { check: testing::id("c"), ttl: TTL, first_deadline, renewals, reports };
        let mut tasks = TaskGroup::new();
        tasks.spawn("ttl", ttl.run());
        (tasks, renew, received)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_critical_once_and_a_renewal_starts_the_time_anew() {
        let start = Instant::now();
        let (_tasks, renew, mut reports) = watch_one(TTL);
        let first = reports.recv().await.unwrap();
        assert_eq!((first.run, first.status, start.elapsed()), (RunId(1), CheckStatus::Critical, TTL));
        // Expired is expired: nothing more is said until the service speaks.
        assert!(tokio::time::timeout(TTL * 5, reports.recv()).await.is_err());
        renew.send(RunId(2)).unwrap();
        let renewed = Instant::now();
        assert_eq!(reports.recv().await.unwrap().run, RunId(2));
        assert_eq!(renewed.elapsed(), TTL);
    }

    #[tokio::test(start_paused = true)]
    async fn renewals_in_time_keep_it_quiet() {
        let (_tasks, renew, mut reports) = watch_one(TTL);
        for run in 2..10 {
            assert!(tokio::time::timeout(TTL * 9 / 10, reports.recv()).await.is_err());
            renew.send(RunId(run)).unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_of_the_time_before_a_restart_counts() {
        let start = Instant::now();
        let (_tasks, _renew, mut reports) = watch_one(TTL / 4);
        reports.recv().await.unwrap();
        assert_eq!(start.elapsed(), TTL / 4);
    }
}
