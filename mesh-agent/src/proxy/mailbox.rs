use super::authorize::Decision;
use super::crew::Arrival;
use super::listener::{Listener, ListenerId};
use super::sessions::Token;
use nix::sys::eventfd::{EfdFlags, EventFd};
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

/// The worker's queue, with a bell that wakes its epoll. It is bounded by what posts to it: one verdict per
/// authorization, one message per listener, and as many connections as the engine may hold.
pub(super) struct Mailbox {
    queue: Mutex<Vec<Mail>>,
    bell: EventFd,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self { queue: Mutex::default(), bell })
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
            // A full counter means that the bell already rings.
            self.bell.write(1).ok();
        }
    }

    /// Everything posted so far, in order.
    pub fn collect(&self) -> Vec<Mail> {
        // An empty counter means that somebody took the mail before the bell was answered.
        self.bell.read().ok();
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
