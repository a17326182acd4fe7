use super::network::Line;
use super::sending::{Begin, Sending};
use super::types::{Entry, NodeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The ways on which entries reach the followers, for whoever has entries before openraft asks to send them.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<BTreeMap<NodeId, Weak<Lane>>>>);

/// The way to one follower.
pub(super) struct Lane {
    line: Line,
    state: Mutex<State>,
}

/// What is known of a follower.
enum State {
    /// Nothing, or openraft is at work on it.
    Unknown,
    /// It has the log up to here and was sent nothing else.
    Reached(Begin),
    /// What follows is under way to it.
    Ahead(Sending),
}

impl Lanes {
    /// A lane is open as long as somebody keeps it. The newest of a follower counts.
    pub(super) fn open(&self, id: NodeId, line: Line) -> Arc<Lane> {
        let lane = Arc::new(Lane { line, state: Mutex::new(State::Unknown) });
        let mut lanes = self.lock();
        lanes.retain(|_, lane| lane.strong_count() > 0);
        lanes.insert(id, Arc::downgrade(&lane));
        lane
    }

    /// Sends entries to the followers that have all before them. openraft asks for the same a moment later, and gets
    /// the answer to this; whoever lags behind is left to it.
    pub(super) fn send_ahead(&self, begin: Begin, entries: &[Entry]) {
        for lane in self.lock().values().filter_map(Weak::upgrade) {
            lane.send_ahead(begin, entries);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Weak<Lane>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn send_ahead(&self, begin: Begin, entries: &[Entry]) {
        let mut state = self.lock();
        if matches!(&*state, State::Reached(reached) if *reached == begin) {
            *state = Sending::ahead(self.line.clone(), begin, entries).map_or(State::Unknown, State::Ahead);
        }
    }

    /// What was sent ahead, for whoever wants its answer. Nothing more is until [`Lane::reached`].
    pub(super) fn take(&self) -> Option<Sending> {
        match std::mem::replace(&mut *self.lock(), State::Unknown) {
            State::Ahead(sending) => Some(sending),
            State::Unknown | State::Reached(_) => None,
        }
    }

    /// The follower has confirmed all up to here, and nothing else is under way to it.
    pub(super) fn reached(&self, upto: Begin) {
        *self.lock() = State::Reached(upto);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
