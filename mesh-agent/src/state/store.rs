use super::{Behind, Command, Outcome, State, Topic, ViewChange};
use crate::stream::{Publisher, Watch};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};

/// The state that readers see, and the bell that tells them of a new one.
#[derive(Default)]
pub struct Store {
    current: ArcSwap<State>,
    publisher: Arc<Publisher<Topic>>,
    /// Held by whoever replaces `current`: there is one writer at a time.
    writer: Mutex<()>,
}

impl Store {
    /// A consistent view that nobody changes any more.
    pub fn state(&self) -> Arc<State> {
        self.current.load_full()
    }

    /// Register, then read [`Store::state`], then wait.
    pub fn watch(&self, topics: &[Topic]) -> Watch<Topic> {
        self.publisher.watch(topics)
    }

    /// Applies one committed batch. All its commands share `index`.
    pub fn apply(&self, index: u64, commands: Vec<Command>) -> Vec<Outcome> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&self.current.load());
        let mut changed = Vec::new();
        let outcomes = commands.into_iter().map(|c| next.apply(index, c, &mut changed)).collect();
        // Visible first, then the bells.
        let index = next.applied;
        self.current.store(Arc::new(next));
        self.publisher.publish(&changed, index);
        outcomes
    }

    /// Shows what a server's state has changed to; `whole` if it is all of it, for instance of another server.
    ///
    /// # Errors
    /// The server is behind what was seen already; the state is unchanged.
    pub fn follow(&self, change: ViewChange, whole: bool) -> Result<(), Behind> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        let (next, changed) = if whole { current.replaced(change) } else { current.followed(change) }?;
        let index = next.applied();
        self.current.store(Arc::new(next));
        self.publisher.publish(&changed, index);
        Ok(())
    }

    /// Replaces everything by a decoded snapshot.
    ///
    /// # Errors
    /// The bytes are not a snapshot; the state is unchanged.
    pub fn restore(&self, bytes: &[u8]) -> Result<(), rmp_serde::decode::Error> {
        let state = State::from_snapshot(bytes)?;
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let index = state.applied;
        self.current.store(Arc::new(state));
        self.publisher.publish_all(index);
        Ok(())
    }
}
