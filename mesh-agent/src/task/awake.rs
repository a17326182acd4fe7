use std::thread;
use std::time::{Duration, Instant};
use tokio::task::yield_now;

/// A turn of a runtime that has nothing to do but to look at its connections takes less.
const IDLE: Duration = Duration::from_micros(3);

/// Keeps this thread awake until the condition holds, which is told, or the time is over. Its runtime goes on meanwhile,
/// and whoever else wants the processor has it.
pub(super) async fn awake(time: Duration, holds: impl Fn() -> bool) -> bool {
    let mut now = Instant::now();
    let until = now + time;
    while now < until {
        let began = now;
        yield_now().await;
        if holds() {
            return true;
        }
        now = Instant::now();
        // To let others go first would keep waiting whoever has something to do here.
        if now - began < IDLE {
            thread::yield_now();
            now = Instant::now();
        }
    }
    false
}
