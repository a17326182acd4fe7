//! Waiting for a condition, with a deadline.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long things may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What tells tests how many times slower a machine is than those that deadlines are made for: emulated ones are.
const VARIABLE: &str = "MESH_TEST_PATIENCE";

/// As often the time of an ordinary machine is waited here; 1 unless the environment says more.
pub fn slowness() -> u32 {
    static SLOWNESS: LazyLock<u32> = LazyLock::new(|| {
        let Ok(text) = std::env::var(VARIABLE) else { return 1 };
        let number = text.parse().ok().filter(|number| (1..=100).contains(number));
        number.unwrap_or_else(|| panic!("{VARIABLE}: found {text:?}, want a number from 1 to 100"))
    });
    *SLOWNESS
}

/// As long here as that is on an ordinary machine.
pub fn here(time: Duration) -> Duration {
    time * slowness()
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Looks until the closure finds something, and panics with `what` when [`PATIENCE`] is over, which is longer on slow
/// machines.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {:?} in vain: {what}", here(PATIENCE)))
}

/// Looks until the closure finds something or the time is over, which is longer on slow machines.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + here(limit);
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
