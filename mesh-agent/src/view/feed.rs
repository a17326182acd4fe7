use super::parcel::pack;
use super::{Frame, Part, Standing};
use crate::state::{State, Store, Topic, ViewChange};
use crate::stream::Watch;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How often a follower hears of a server, at least.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// Tells how this server stands to the others.
pub type Report = Arc<dyn Fn() -> Standing + Send + Sync>;

/// One follower's share of a server's state. It holds one earlier state, however slow the follower is.
pub struct Feed {
    store: Arc<Store>,
    report: Report,
    watch: Watch<Topic>,
    at_least: u64,
    shown: Option<Arc<State>>,
    pieces: VecDeque<Part>,
}

impl Feed {
    /// Shows nothing that is older than index `at_least`, which the follower has seen already.
    pub fn new(store: Arc<Store>, report: Report, at_least: u64) -> Self {
        let watch = store.watch(&Topic::VIEWED);
        Self { store, report, watch, at_least, shown: None, pieces: VecDeque::new() }
    }

    /// The next frame, at the latest after a second.
    pub async fn next(&mut self) -> Frame {
        if self.pieces.is_empty() {
            let seen = self.pack_news();
            if self.pieces.is_empty() {
                // Nothing new in time is an ordinary answer: the server lives.
                let _ = timeout(BEAT, self.watch.changed(seen)).await;
                self.pack_news();
            }
        }
        Frame { standing: (self.report)(), part: self.pieces.pop_front() }
    }

    /// Packs what is new, and returns up to which index that is known.
    fn pack_news(&mut self) -> u64 {
        let state = self.store.state();
        let applied = state.applied();
        if applied >= self.at_least {
            self.pack_difference(state);
        }
        applied
    }

    fn pack_difference(&mut self, state: Arc<State>) {
        let change = match &self.shown {
            Some(shown) => ViewChange::between(shown, &state),
            None => ViewChange::between(&State::default(), &state),
        };
        if self.shown.is_none() || !change.is_empty() {
            match pack(&change, self.shown.is_none()) {
                Ok(pieces) => self.pieces = pieces,
                Err(error) => tracing::error!(%error, "a change of the state cannot be encoded"),
            }
        }
        self.shown = Some(state);
    }
}
