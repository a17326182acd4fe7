use super::awake::awake;
use super::bell::Bell;
use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Keeps a thread awake for a moment after an answer, as long as questions follow so closely: to put a thread, and often
/// its processor, to sleep and to wake it takes longer than many an answer. Whoever else wants the processor has it.
#[derive(Default)]
pub(super) struct Attention {
    questions: AtomicU64,
    /// At answers.
    bell: Bell,
}

/// How long nobody may ask.
const MOMENT: Duration = Duration::from_micros(100);
/// Answers without a wait after a wait that was in vain: one that asks seldom costs next to nothing.
const REST: u32 = 16;

thread_local! {
    static HERE: OnceCell<Arc<Attention>> = const { OnceCell::new() };
}

/// Answers a question that came to this thread; if it is one that waits for the next, it does.
pub async fn attended<T>(answer: impl Future<Output = T>) -> T {
    here(|attention| attention.questions.fetch_add(1, Ordering::Relaxed));
    let answer = answer.await;
    here(|attention| attention.bell.ring());
    answer
}

fn here<T>(tell: impl FnOnce(&Attention) -> T) {
    HERE.with(|here| here.get().map(|attention| tell(attention)));
}

impl Attention {
    /// From now on on this thread.
    pub(super) fn settle() -> Arc<Self> {
        HERE.with(|here| here.get_or_init(Arc::default).clone())
    }

    /// For ever.
    pub(super) async fn pay(self: Arc<Self>) {
        loop {
            self.bell.rung().await;
            while self.is_asked().await {}
            self.bell.rest(REST);
        }
    }

    /// Whether somebody asks within a moment.
    async fn is_asked(&self) -> bool {
        let before = self.questions.load(Ordering::Relaxed);
        awake(MOMENT, || self.questions.load(Ordering::Relaxed) != before).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;

    async fn waits_after_an_answer() -> bool {
        attended(async {}).await;
        let attention = Attention::settle();
        tokio::time::timeout(Duration::from_millis(20), attention.bell.rung()).await.is_ok()
    }

    #[tokio::test]
    async fn a_wait_in_vain_is_not_repeated_for_a_while() {
        let attention = Attention::settle();
        assert!(waits_after_an_answer().await);
        assert!(!attention.is_asked().await, "nobody asks");
        attention.bell.rest(REST);
        for answer in 0..REST {
            assert!(!waits_after_an_answer().await, "{answer}");
        }
        assert!(waits_after_an_answer().await);
    }

    #[tokio::test]
    async fn a_question_is_seen_while_it_waits() {
        let attention = Attention::settle();
        let asks = async {
            loop {
                attended(async {}).await;
                yield_now().await;
            }
        };
        tokio::select! {
            asked = attention.is_asked() => assert!(asked),
            () = asks => unreachable!("it asks for ever"),
        }
    }
}
