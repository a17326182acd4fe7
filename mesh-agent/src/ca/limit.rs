use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Callers that wait for their turn at once, at most.
const MAX_WAITING: usize = 512;
/// Turns of one requester that may wait at once.
const MAX_WAITING_EACH: usize = 64;
/// Nobody waits longer.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Hands out turns to sign: so many a second, to all requesters in rotation, so that a flood from one
/// delays the others by no more than one turn each.
#[derive(Default)]
pub struct CsrLimiter {
    inner: Mutex<Inner>,
}

/// Why there was no turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error(
        "Rate limit reached, try again later: {waiting} certificate requests of {requester} wait already"
    )]
    Requester { requester: String, waiting: usize },
    #[error("Rate limit reached, try again later: {waiting} certificate requests wait already")]
    All { waiting: usize },
    #[error("Rate limit reached, try again later: no turn to sign within {seconds} s")]
    Slow { seconds: u64 },
}

#[derive(Default)]
struct Inner {
    /// When the next turn is free. In the past while nobody comes.
    next: Option<Instant>,
    /// Requesters who wait, the one whose turn it is first.
    queues: VecDeque<Queue>,
}

struct Queue {
    requester: String,
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl CsrLimiter {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when it is the requester's turn. `per_second` is at least 1.
    ///
    /// # Errors
    /// Too many wait already, or no turn came within ten seconds.
    pub async fn admit(&self, requester: &str, per_second: u32) -> Result<(), LimitError> {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let Some(turn) = self.lock().join(requester, interval, Instant::now())? else { return Ok(()) };
        let served = tokio::time::timeout(MAX_WAIT, self.wait(turn, interval)).await;
        served.map_err(|_| LimitError::Slow { seconds: MAX_WAIT.as_secs() })
    }

    /// Whoever waits also serves: at each free turn the first to wake hands it to the one whose it is.
    async fn wait(&self, mut turn: oneshot::Receiver<()>, interval: Duration) {
        loop {
            let next = self.lock().serve(interval, Instant::now());
            tokio::select! {
                biased;
                _ = &mut turn => return,
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }
}

impl Inner {
    /// `None` if there is a turn at once.
    fn join(
        &mut self,
        requester: &str,
        interval: Duration,
        now: Instant,
    ) -> Result<Option<oneshot::Receiver<()>>, LimitError> {
        self.forget_those_who_left();
        if self.queues.is_empty() && self.take(interval, now) {
            return Ok(None);
        }
        let waiting = self.queues.iter().map(|q| q.waiting.len()).sum();
        if waiting >= MAX_WAITING {
            return Err(LimitError::All { waiting });
        }
        let (sender, turn) = oneshot::channel();
        let queue = self.queue(requester);
        if queue.waiting.len() >= MAX_WAITING_EACH {
            let requester = requester.chars().take(64).collect();
            return Err(LimitError::Requester { requester, waiting: queue.waiting.len() });
        }
        queue.waiting.push_back(sender);
        Ok(Some(turn))
    }

    fn queue(&mut self, requester: &str) -> &mut Queue {
        let at = self.queues.iter().position(|q| q.requester == requester).unwrap_or_else(|| {
            self.queues.push_back(Queue { requester: requester.to_owned(), waiting: VecDeque::new() });
            self.queues.len() - 1
        });
        &mut self.queues[at]
    }

    /// Hands out the turns that are free, and says when the next one is.
    fn serve(&mut self, interval: Duration, now: Instant) -> Instant {
        self.forget_those_who_left();
        while !self.queues.is_empty() && self.take(interval, now) {
            self.hand_on();
        }
        self.next.unwrap_or(now)
    }

    /// One turn to the first requester, who then goes to the back.
    fn hand_on(&mut self) {
        let Some(mut queue) = self.queues.pop_front() else { return };
        if let Some(turn) = queue.waiting.pop_front() {
            // Somebody who has just given up loses the turn, and nobody else is harmed.
            let _ = turn.send(());
        }
        if !queue.waiting.is_empty() {
            self.queues.push_back(queue);
        }
    }

    fn take(&mut self, interval: Duration, now: Instant) -> bool {
        let next = self.next.unwrap_or(now);
        if next > now {
            return false;
        }
        // Turns that nobody took are not saved up.
        self.next = Some(now + interval);
        true
    }

    fn forget_those_who_left(&mut self) {
        for queue in &mut self.queues {
            queue.waiting.retain(|turn| !turn.is_closed());
        }
        self.queues.retain(|queue| !queue.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test(start_paused = true)]
    async fn turns_come_at_the_configured_rate() {
        let limiter = CsrLimiter::default();
        let start = Instant::now();
        let done = join_all((0..51).map(|_| limiter.admit("a", 50))).await;
        assert!(done.iter().all(Result::is_ok));
        let took = start.elapsed();
        assert!((Duration::from_secs(1)..Duration::from_millis(1200)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_from_one_requester_does_not_starve_another() {
        let limiter = CsrLimiter::default();
        let start = Instant::now();
        let flood = join_all((0..64).map(|_| limiter.admit("flood", 10)));
        let quiet = async {
            tokio::task::yield_now().await;
            limiter.admit("quiet", 10).await.unwrap();
            start.elapsed()
        };
        let (_, quiet) = tokio::join!(flood, quiet);
        assert!(quiet <= Duration::from_millis(250), "{quiet:?}");
        assert!(start.elapsed() >= Duration::from_secs(6));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_bounded_for_one_and_for_all() {
        let limiter = CsrLimiter::default();
        let one = join_all((0..100).map(|_| limiter.admit("a", 1000))).await;
        assert!(one.iter().any(|r| matches!(r, Err(LimitError::Requester { waiting: 64, .. }))));
        let names: Vec<String> = (0..600).map(|i| i.to_string()).collect();
        let all = join_all(names.iter().map(|name| limiter.admit(name, 1000))).await;
        assert!(all.iter().any(|r| matches!(r, Err(LimitError::All { waiting: 512 }))));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_forever_and_those_who_left_take_no_turn() {
        let limiter = CsrLimiter::default();
        limiter.admit("a", 1).await.unwrap();
        drop(tokio::time::timeout(Duration::from_millis(1), limiter.admit("gone", 1)).await);
        let start = Instant::now();
        let served = join_all((0..20).map(|_| limiter.admit("a", 1))).await;
        assert_eq!(start.elapsed(), MAX_WAIT);
        assert!(served.iter().filter(|r| r.is_ok()).count() >= 9);
        assert!(served.contains(&Err(LimitError::Slow { seconds: 10 })));
    }
}
