use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How many events one wait brings at most.
const EVENTS: usize = 256;

const _: () = assert!(usize::BITS == 64, "a worker's keys have 64 bits, of which mio keeps a usize");

/// What happened to a descriptor.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Event {
    pub key: u64,
    readable: bool,
    writable: bool,
    broken: bool,
}

impl Event {
    pub fn readable(self) -> bool {
        self.readable
    }

    pub fn writable(self) -> bool {
        self.writable
    }

    /// Always: not every system tells apart whether the stream has ended behind the data.
    pub fn read_until_empty(self) -> bool {
        self.readable
    }

    pub fn broken(self) -> bool {
        self.broken
    }
}

impl From<&mio::event::Event> for Event {
    fn from(event: &mio::event::Event) -> Self {
        Self {
            key: event.token().0 as u64,
            readable: event.is_readable() || event.is_read_closed(),
            writable: event.is_writable() || event.is_write_closed(),
            broken: event.is_error(),
        }
    }
}

/// One worker's queue of events.
pub(in crate::proxy) struct Poller {
    poll: Poll,
    room: Events,
    events: Vec<Event>,
    /// What is to be told of as long as it is readable, by its key. mio tells once each time, so those that were
    /// told of are registered anew before the next wait.
    lasting: RefCell<BTreeMap<u64, RawFd>>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            room: Events::with_capacity(EVENTS),
            events: Vec::with_capacity(EVENTS),
            lasting: RefCell::default(),
        })
    }

    /// A connection: told once each time something changes.
    pub fn watch_stream(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        let fd = fd.as_fd().as_raw_fd();
        self.registry().register(&mut SourceFd(&fd), token(key), Interest::READABLE | Interest::WRITABLE)
    }

    /// A listener that several workers share: a connection wakes all of them.
    pub fn watch_listener(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        self.watch_lasting(fd.as_fd(), key)
    }

    /// Told as long as it is readable.
    pub fn watch_bell(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        self.watch_lasting(fd.as_fd(), key)
    }

    fn watch_lasting(&self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        let fd = fd.as_raw_fd();
        self.registry().register(&mut SourceFd(&fd), token(key), Interest::READABLE)?;
        self.lasting.borrow_mut().insert(key, fd);
        Ok(())
    }

    pub fn forget(&self, fd: impl AsFd) {
        let fd = fd.as_fd().as_raw_fd();
        self.lasting.borrow_mut().retain(|_, other| *other != fd);
        // A descriptor that is not watched is what we want.
        self.registry().deregister(&mut SourceFd(&fd)).ok();
    }

    /// Waits for events; `None` waits for ever. Gives how many there are.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        self.renew()?;
        self.events.clear();
        match self.poll.poll(&mut self.room, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            polled => polled?,
        }
        self.events.extend(self.room.iter().map(Event::from));
        Ok(self.events.len())
    }

    fn renew(&self) -> io::Result<()> {
        let lasting = self.lasting.borrow();
        for event in &self.events {
            if let Some(fd) = lasting.get(&event.key) {
                self.registry().reregister(&mut SourceFd(fd), token(event.key), Interest::READABLE)?;
            }
        }
        Ok(())
    }

    pub fn event(&self, index: usize) -> Event {
        self.events[index]
    }

    fn registry(&self) -> &Registry {
        self.poll.registry()
    }
}

fn token(key: u64) -> Token {
    Token(usize::try_from(key).expect("a usize has 64 bits"))
}

/// Wakes the worker that watches it.
pub(in crate::proxy) struct Bell {
    rope: UnixStream,
    bell: UnixStream,
}

impl Bell {
    pub fn new() -> io::Result<Self> {
        let (rope, bell) = UnixStream::pair()?;
        rope.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok(Self { rope, bell })
    }

    pub fn ring(&self) {
        // A full queue means that the bell already rings.
        (&self.rope).write_all(&[0]).ok();
    }

    pub fn silence(&self) {
        let mut rung = [0; 64];
        while (&self.bell).read(&mut rung).is_ok_and(|count| count == rung.len()) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
