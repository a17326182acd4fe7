use super::{LeafError, refresh_at, retry_after};
use crate::clock::Timestamp;
use crate::model::IssuedCert;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A certificate that nobody used for so long is dropped.
const UNUSED: Duration = Duration::from_hours(3 * 24);
/// A service that never got one, and that nobody waits for, is forgotten sooner.
const UNUSED_WITHOUT: Duration = Duration::from_mins(10);

/// What a reader follows.
#[derive(Clone)]
pub(super) struct Subscription {
    pub(super) cert: watch::Receiver<Option<Arc<IssuedCert>>>,
    /// Why the last attempt failed, if it did.
    pub(super) failure: watch::Receiver<Option<LeafError>>,
}

/// One service's certificate and what is known about getting the next.
pub(super) struct Entry {
    cert: watch::Sender<Option<Arc<IssuedCert>>>,
    failure: watch::Sender<Option<LeafError>>,
    /// When to ask for the next one.
    due: Timestamp,
    failures: u32,
    pub(super) issuing: bool,
    used: Timestamp,
}

/// What to do about an entry now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait {
        until: Timestamp,
    },
    Issue,
    /// The certificate's time is over.
    Withdraw,
    /// Nobody has used it for long.
    Forget,
}

impl Entry {
    pub(super) fn new(now: Timestamp) -> Self {
        let (cert, failure) = (watch::Sender::new(None), watch::Sender::new(None));
        Self { cert, failure, due: now, failures: 0, issuing: false, used: now }
    }

    pub(super) fn subscribe(&mut self, now: Timestamp) -> Subscription {
        self.used = now;
        Subscription { cert: self.cert.subscribe(), failure: self.failure.subscribe() }
    }

    pub(super) fn cert(&self) -> Option<Arc<IssuedCert>> {
        self.cert.borrow().clone()
    }

    /// Looks at the clock and at who listens; changes nothing else.
    pub(super) fn step(&mut self, now: Timestamp) -> Step {
        if self.cert.receiver_count() > 0 {
            self.used = now;
        }
        let expires = self.expires();
        let forget = later(self.used, if expires.is_some() { UNUSED } else { UNUSED_WITHOUT });
        if expires.is_some_and(|at| at <= now) {
            Step::Withdraw
        } else if self.issuing {
            Step::Wait { until: expires.unwrap_or(Timestamp(u64::MAX)) }
        } else if forget <= now {
            Step::Forget
        } else if self.due <= now {
            Step::Issue
        } else {
            Step::Wait { until: forget.min(self.due).min(expires.unwrap_or(self.due)) }
        }
    }

    /// When the certificate's time is over.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        self.cert.borrow().as_ref().map(|c| Timestamp(c.valid_before.saturating_mul(1000)))
    }

    pub(super) fn withdraw(&mut self) {
        self.cert.send_replace(None);
    }

    pub(super) fn adopt(&mut self, cert: IssuedCert, now: Timestamp, jitter: f64) {
        let at = refresh_at(cert.valid_after, cert.valid_before, jitter);
        // Never in a tight circle, whatever lives the signer hands out.
        self.due = Timestamp(at.saturating_mul(1000)).max(later(now, Duration::from_secs(1)));
        self.failures = 0;
        self.cert.send_replace(Some(Arc::new(cert)));
        self.failure.send_replace(None);
    }

    pub(super) fn failed(&mut self, error: LeafError, now: Timestamp, jitter: f64) {
        self.failures = self.failures.saturating_add(1);
        self.due = later(now, retry_after(self.failures, jitter));
        self.failure.send_replace(Some(error));
    }

    /// Asks for the next one after `delay` at the latest.
    pub(super) fn hasten(&mut self, now: Timestamp, delay: Duration) {
        self.due = self.due.min(later(now, delay));
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}
