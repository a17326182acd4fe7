//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// How long things may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Looks until the closure finds something, and panics with `what` when [`PATIENCE`] is over.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// Looks until the closure finds something or the time is over.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        pause();
    }
}

/// Between two looks at a condition.
pub(crate) fn pause() {
    pause_for(BETWEEN_LOOKS);
}

/// The one place that sleeps: between looks, and while a fault lasts for as long as was drawn.
#[allow(clippy::disallowed_methods)]
pub fn pause_for(time: Duration) {
    std::thread::sleep(time);
}
