use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// How many events one wait brings at most.
const EVENTS: usize = 256;

/// What happened to a descriptor.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Event {
    pub key: u64,
    flags: EpollFlags,
}

impl Event {
    pub fn readable(self) -> bool {
        self.flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP)
    }

    pub fn writable(self) -> bool {
        self.flags.intersects(EpollFlags::EPOLLOUT | EpollFlags::EPOLLHUP)
    }

    /// A short read does not mean that the queue is empty: the stream has ended behind the data, or
    /// urgent data splits it. No further edge would come.
    pub fn read_until_empty(self) -> bool {
        self.flags.intersects(EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLPRI)
    }

    pub fn broken(self) -> bool {
        self.flags.contains(EpollFlags::EPOLLERR)
    }
}

/// One worker's epoll instance.
pub(in crate::proxy) struct Poller {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { epoll, events: vec![EpollEvent::empty(); EVENTS] })
    }

    /// A connection: told once each time something changes.
    pub fn watch_stream(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLPRI
            | EpollFlags::EPOLLET;
        Ok(self.epoll.add(fd, EpollEvent::new(flags, key))?)
    }

    /// A listener that several workers share: a connection wakes one of them.
    pub fn watch_listener(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE, key))?)
    }

    /// Told as long as it is readable.
    pub fn watch_bell(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, key))?)
    }

    pub fn forget(&self, fd: impl AsFd) {
        // A descriptor that is not watched is what we want.
        self.epoll.delete(fd).ok();
    }

    /// Waits for events; `None` waits for ever. Gives how many there are.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        match self.epoll.wait(&mut self.events, milliseconds(timeout)) {
            Ok(count) => Ok(count),
            Err(nix::errno::Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    pub fn event(&self, index: usize) -> Event {
        let event = &self.events[index];
        Event { key: event.data(), flags: event.events() }
    }
}

/// Wakes the worker that watches it.
pub(in crate::proxy) struct Bell(EventFd);

impl Bell {
    pub fn new() -> io::Result<Self> {
        Ok(Self(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?))
    }

    pub fn ring(&self) {
        // A full counter means that the bell already rings.
        self.0.write(1).ok();
    }

    pub fn silence(&self) {
        // An empty counter means that somebody took the mail before the bell was answered.
        self.0.read().ok();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Rounded up, so that a wait does not end just before the deadline it waits for.
fn milliseconds(timeout: Option<Duration>) -> EpollTimeout {
    match timeout {
        None => EpollTimeout::NONE,
        Some(Duration::ZERO) => EpollTimeout::ZERO,
        Some(wait) => {
            let millis = wait.as_millis().saturating_add(1).min(60_000);
            EpollTimeout::try_from(i32::try_from(millis).unwrap_or(60_000)).unwrap_or(EpollTimeout::ZERO)
        }
    }
}
