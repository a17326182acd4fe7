use super::authorize::Decision;
use super::crew::Arrival;
use super::listener::{Listener, ListenerId};
use super::poller::Bell;
use super::sessions::Token;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What other threads tell a worker.
pub(super) enum Mail {
    Listen(Arc<Listener>),
    Unlisten(ListenerId),
    /// A connection that another worker has accepted.
    Adopt(Arrival),
    /// The answer to an authorization of this session.
    Verdict(Token, Decision),
    /// A new authorization of this open session has been asked for.
    Recheck(Token),
    /// Stop listening; end when the last session has, or at this moment.
    Drain(Instant),
}

/// The worker's queue, with a bell that wakes it. It is bounded by what posts to it: one verdict per
/// authorization, one message per listener, and as many connections as the engine may hold.
pub(super) struct Mailbox {
    queue: Mutex<Vec<Mail>>,
    bell: Bell,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: Mutex::default(), bell: Bell::new()? })
    }

    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    pub fn post(&self, mail: Mail) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let first = queue.is_empty();
        queue.push(mail);
        drop(queue);
        if first {
            self.bell.ring();
        }
    }

    /// Everything posted so far, in order.
    pub fn collect(&self) -> Vec<Mail> {
        self.bell.silence();
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
