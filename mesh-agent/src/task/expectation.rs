use super::awake::awake;
use super::bell::Bell;
use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Keeps a thread awake while others do something for it that is soon done: a disk that syncs, a server that answers.
/// To put a thread to sleep and to wake it takes nearly as long.
#[derive(Default)]
pub(super) struct Expectation {
    under_way: AtomicU32,
    /// At beginnings.
    bell: Bell,
}

/// How long it may take.
const SOON: Duration = Duration::from_micros(500);
/// Works without a wait after a wait that was in vain: where disks or networks are slow, nothing is spent on them.
const REST: u32 = 64;

thread_local! {
    static HERE: OnceCell<Arc<Expectation>> = const { OnceCell::new() };
}

/// Awaits what others do; if this thread is one that stays awake meanwhile, it does.
pub async fn expected<T>(work: impl Future<Output = T>) -> T {
    let _under_way = HERE.with(|here| here.get().cloned()).map(UnderWay::begin);
    work.await
}

/// One that others work at.
struct UnderWay(Arc<Expectation>);

impl UnderWay {
    fn begin(expectation: Arc<Expectation>) -> Self {
        expectation.under_way.fetch_add(1, Ordering::Relaxed);
        expectation.bell.ring();
        Self(expectation)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Expectation {
    /// From now on on this thread.
    pub(super) fn settle() -> Arc<Self> {
        HERE.with(|here| here.get_or_init(Arc::default).clone())
    }

    /// For ever.
    pub(super) async fn wait(self: Arc<Self>) {
        loop {
            self.bell.rung().await;
            if !self.is_soon_done().await {
                self.bell.rest(REST);
            }
        }
    }

    async fn is_soon_done(&self) -> bool {
        awake(SOON, || self.under_way.load(Ordering::Relaxed) == 0).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use tokio::time::timeout;

    async fn is_awake_during(work: impl Future<Output = ()>) -> bool {
        expected(work).await;
        let expectation = Expectation::settle();
        timeout(Duration::from_millis(20), expectation.bell.rung()).await.is_ok()
    }

    #[tokio::test]
    async fn what_is_soon_done_is_waited_for() {
        let expectation = Expectation::settle();
        let work = expected(tokio::task::yield_now());
        let (soon, ()) = tokio::join!(expectation.is_soon_done(), work);
        assert!(soon);
    }

    #[tokio::test]
    async fn what_takes_long_is_not_waited_for_again_for_a_while() {
        let expectation = Expectation::settle();
        let forever = UnderWay::begin(expectation.clone());
        let _ = timeout(Duration::from_millis(50), expectation.clone().wait()).await;
        drop(forever);
        for work in 0..REST {
            assert!(!is_awake_during(ready(())).await, "{work}");
        }
        assert!(is_awake_during(ready(())).await);
    }
}
