use super::ktls::socket::{self, Record};
use super::poller::{Event, Poller};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A dead peer is noticed after about 30 + 5 × 10 seconds.
pub(super) fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(5)
}

/// One of the two sockets of a session, with what epoll last said of it.
#[derive(Default)]
pub(super) struct Leg {
    stream: Option<TcpStream>,
    readable: bool,
    writable: bool,
    read_until_empty: bool,
    broken: bool,
    /// Tells this socket's events from those of an earlier one in its place.
    epoch: u8,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Bytes(usize),
    End,
    NotNow,
}

impl Leg {
    /// Puts a socket in place, after the one before it, if any, is reset.
    pub fn set(&mut self, stream: TcpStream) -> u8 {
        self.reset();
        *self = Self { stream: Some(stream), epoch: self.epoch.wrapping_add(1) % 128, ..Self::default() };
        self.epoch
    }

    /// As if epoll had announced everything: for who waits for sockets in another way.
    #[cfg(any(test, target_os = "linux"))]
    pub fn pretend_ready(&mut self) {
        (self.readable, self.writable, self.read_until_empty) = (true, true, true);
    }

    pub fn watch(&self, poller: &Poller, key: u64) -> io::Result<()> {
        poller.watch_stream(self.stream()?, key)
    }

    pub fn note(&mut self, event: Event, epoch: u8) {
        if epoch != self.epoch {
            return;
        }
        self.readable |= event.readable() || event.broken();
        self.writable |= event.writable() || event.broken();
        self.read_until_empty |= event.read_until_empty() || event.broken();
        self.broken |= event.broken();
    }

    pub fn readable(&self) -> bool {
        self.readable
    }

    pub fn writable(&self) -> bool {
        self.writable
    }

    /// The error that epoll announced, taken from the socket.
    pub fn take_error(&mut self) -> Option<io::Error> {
        if !self.broken {
            return None;
        }
        let pending = self.stream().and_then(TcpStream::take_error);
        Some(pending.unwrap_or_else(Some).unwrap_or_else(|| io::ErrorKind::ConnectionReset.into()))
    }

    fn stream(&self) -> io::Result<&TcpStream> {
        self.stream.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    pub fn read(&mut self, into: &mut [u8]) -> io::Result<Received> {
        let room = into.len();
        let result = self.stream()?.read(into);
        self.received(result, room)
    }

    /// Reads into the slices, one after the other.
    pub fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        let room = into.iter().map(|slice| slice.len()).sum();
        let result = self.stream()?.read_vectored(into);
        self.received(result, room)
    }

    fn received(&mut self, result: io::Result<usize>, room: usize) -> io::Result<Received> {
        match result {
            Ok(0) => Ok(Received::End),
            Ok(count) => {
                if count < room && !self.read_until_empty {
                    self.readable = false; // An edge comes with the next byte.
                }
                Ok(Received::Bytes(count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(Received::NotNow)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Received::NotNow),
            Err(error) => Err(error),
        }
    }

    /// How many bytes the kernel took; fewer than given means that its buffer is full.
    pub fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let taken = match self.stream()?.write_vectored(slices) {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => return Err(error),
        };
        if taken < offered {
            self.writable = false; // An edge comes when there is room again.
        }
        Ok(taken)
    }

    pub fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        Ok(self.stream()?.as_fd())
    }

    /// From here on the kernel opens records. Some may wait that no edge will tell of.
    pub fn brings_records(&mut self) {
        self.readable = true;
    }

    /// Reads what the kernel has opened, of one kind; `None` while there is nothing.
    pub fn receive_record(&mut self, into: &mut [u8]) -> io::Result<Option<Record>> {
        let result = socket::receive_record(self.socket()?, into);
        match result {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a record that is not data, which the kernel seals. False where its queue is full.
    pub fn send_record(&mut self, kind: u8, content: &[u8]) -> io::Result<bool> {
        if !self.writable {
            return Ok(false);
        }
        match socket::send_record(self.socket()?, kind, content) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// No more bytes will be written: FIN.
    pub fn end_writing(&mut self) -> io::Result<()> {
        match self.stream()?.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        }
    }

    /// Closes with RST, so that the other end cannot take what it has for the whole.
    pub fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            reset(&stream);
        }
    }

    /// Closes after both directions have ended.
    pub fn close(&mut self) {
        self.stream = None;
    }
}

/// The next close sends RST. A socket that refuses the option is closed all the same.
pub(super) fn reset(stream: &TcpStream) {
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
}

/// A socket of that address's family that never waits; where the system can, it is made so by the one call.
pub(super) fn unwaiting(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    #[cfg(not(target_vendor = "apple"))]
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), None)?;
    #[cfg(target_vendor = "apple")]
    let socket = Socket::new(domain, Type::STREAM, None)?;
    #[cfg(target_vendor = "apple")]
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Begins to connect; epoll tells when it is done.
pub(super) fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = unwaiting(address)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&keepalive())?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket.into()),
    }
}
