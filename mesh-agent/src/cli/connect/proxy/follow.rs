use crate::cli::client::{Answer, ClientError, Query};
use crate::task::Shutdown;
use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;

/// How long one blocking query may wait for news, in seconds.
const WAIT: u64 = 300;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How far an answer was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub index: u64,
    pub hash: Option<String>,
}

impl Cursor {
    /// Asks for something newer; the first time, for what there is.
    pub fn blocking(&self, query: Query) -> Query {
        if self.index == 0 { query } else { query.blocking(self.index, WAIT) }
    }

    /// An index that goes backwards means a new history, to be read from its beginning.
    fn after<T>(self, answer: &Answer<T>) -> Self {
        let index = if answer.index < self.index { 0 } else { answer.index };
        Self { index, hash: answer.hash.clone() }
    }
}

/// Asks again and again, each time for something newer, and publishes each answer until shutdown. While the
/// agent cannot be asked, what was published last stays, and attempts become rarer.
pub(super) async fn follow<T, F>(
    what: String,
    mut ask: impl FnMut(Cursor) -> F,
    answers: watch::Sender<Option<T>>,
    shutdown: Shutdown,
) where
    F: Future<Output = Result<Answer<T>, ClientError>>,
{
    let (mut cursor, mut pause) = (Cursor::default(), FIRST_PAUSE);
    loop {
        let answer = tokio::select! {
            answer = ask(cursor.clone()) => answer,
            () = shutdown.begun() => return,
        };
        match answer {
            Ok(answer) => {
                pause = FIRST_PAUSE;
                cursor = cursor.after(&answer);
                answers.send_replace(Some(answer.value));
            }
            Err(error) => {
                tracing::warn!(%error, what, retry_in = ?pause, "cannot ask the agent; its last answer still counts");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.begun() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn answer(index: u64) -> Answer<u64> {
        Answer { index, hash: None, value: index }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_published_failures_survived_and_a_new_history_read_from_its_beginning() {
        let mut script =
            VecDeque::from([Ok(answer(5)), Err(ClientError::Token), Ok(answer(3)), Ok(answer(9))]);
        let (shutdown, mut asked) = (Shutdown::new(), Vec::new());
        let (answers, published) = watch::channel(None);
        let end = shutdown.clone();
        let ask = |cursor: Cursor| {
            asked.push(cursor.index);
            let next = script.pop_front();
            if next.is_none() {
                end.begin();
            }
            async move {
                match next {
                    Some(next) => next,
                    None => std::future::pending().await,
                }
            }
        };
        follow("numbers".to_owned(), ask, answers, shutdown).await;
        assert_eq!(*published.borrow(), Some(9));
        assert_eq!(asked, [0, 5, 5, 0, 9]);
    }
}
