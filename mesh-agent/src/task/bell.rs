use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

/// Calls whoever stays awake for others, but for a while after he did so in vain.
#[derive(Default)]
pub(super) struct Bell {
    rung: Notify,
    /// So often it is not heard.
    rest: AtomicU32,
}

impl Bell {
    pub(super) fn ring(&self) {
        let rest = self.rest.load(Ordering::Relaxed);
        if rest == 0 {
            self.rung.notify_one();
        } else {
            self.rest.store(rest - 1, Ordering::Relaxed);
        }
    }

    /// Until it rings and is heard.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// From now on it is not heard so often.
    pub(super) fn rest(&self, times: u32) {
        self.rest.store(times, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn it_is_heard_but_for_a_while() {
        let bell = Bell::default();
        bell.rest(2);
        for heard in [false, false, true, true] {
            bell.ring();
            assert_eq!(bell.rung().now_or_never().is_some(), heard);
        }
    }
}
