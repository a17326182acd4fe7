use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When this server last heard a leader, or promised somebody its vote.
#[derive(Debug)]
pub(super) struct Pulse {
    quiet_since: Mutex<Instant>,
    heard_leader: Mutex<Option<Instant>>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { quiet_since: Mutex::new(Instant::now()), heard_leader: Mutex::new(None) }
    }

    pub(super) fn leader_heard(&self) {
        *lock(&self.heard_leader) = Some(Instant::now());
        self.restart();
    }

    /// Waits anew, before it stands for election.
    pub(super) fn restart(&self) {
        *lock(&self.quiet_since) = Instant::now();
    }

    pub(super) fn quiet_for(&self) -> Duration {
        lock(&self.quiet_since).elapsed()
    }

    /// Since a leader was heard; nothing if none ever was.
    pub(super) fn last_contact(&self) -> Option<Duration> {
        lock(&self.heard_leader).map(|at| at.elapsed())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
