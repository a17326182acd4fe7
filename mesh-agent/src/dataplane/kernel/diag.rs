//! The kernel's list of sockets (`sock_diag`), in this thread's network namespace: what the programs laid on
//! them, and the end of a connection.

use mesh_common::{Kept, Origin};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;

/// Everything but listening, closed and waiting out its time.
const ALIVE: u32 = 0b1011_0011_1110;
const HEADER: usize = 16;
/// Family, state and timer, then the connection, then what else is known of it.
const MESSAGE: usize = 72;
const CONNECTION: std::ops::Range<usize> = 4..52;
/// Within a connection.
const COOKIE: std::ops::Range<usize> = 40..48;
const INODE: usize = 68;

const ASK_FOR_STORAGE: u16 = 2;
const STORAGE_OF: u16 = 1;
const STORAGES: u16 = 20;
const STORAGE: u16 = 1;
const VALUE: u16 = 3;
const KIND: u16 = 0x3fff;

/// As much as the kernel ever puts into one part of its list.
const PART: usize = 64 * 1024;

/// A conversation with the kernel about TCP sockets.
pub(super) struct Diag {
    socket: Socket,
}

/// A socket whose application the mesh has taken somewhere.
pub(super) struct Connecting {
    family: u8,
    /// Addresses, ports, interface and cookie, as the kernel wrote them.
    connection: [u8; 48],
    pub inode: u32,
    pub origin: Origin,
}

impl Diag {
    pub fn open() -> io::Result<Self> {
        let protocol = Protocol::from(libc::NETLINK_SOCK_DIAG);
        Ok(Self { socket: Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, Some(protocol))? })
    }

    /// Every living TCP socket that asked for something, by the [`Kept`] in that storage.
    pub fn connecting(&self, storage: BorrowedFd<'_>) -> io::Result<Vec<Connecting>> {
        let mut found = Vec::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            let family = small(family);
            let mut body = subject(family, &[0; 48]);
            let descriptor = attribute(STORAGE_OF, &storage.as_raw_fd().to_ne_bytes());
            body.extend(attribute(ASK_FOR_STORAGE, &descriptor));
            self.say(BY_FAMILY, DUMP, &body)?;
            self.hear(|message| found.extend(Connecting::read(message)))?;
        }
        Ok(found)
    }

    /// The cookie of the socket at `near` that speaks to `far`; `None` where there is none.
    pub fn cookie(&self, udp: bool, near: SocketAddr, far: SocketAddr) -> io::Result<Option<u64>> {
        // For UDP the kernel wants them as a packet to the socket has them.
        let (source, target) = if udp { (far, near) } else { (near, far) };
        let mut connection = [0; 48];
        connection[..2].copy_from_slice(&source.port().to_be_bytes());
        connection[2..4].copy_from_slice(&target.port().to_be_bytes());
        connection[4..20].copy_from_slice(&address(source));
        connection[20..36].copy_from_slice(&address(target));
        connection[COOKIE].fill(0xff);
        let family = if near.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let protocol = if udp { libc::IPPROTO_UDP } else { libc::IPPROTO_TCP };
        let body = request(small(family), small(protocol), &connection);
        self.say(BY_FAMILY, ACKNOWLEDGE, &body)?;
        let mut cookie = None;
        let found = self.hear(|message| {
            let known = message.get(CONNECTION).and_then(|connection| connection[COOKIE].try_into().ok());
            cookie = known.map(u64::from_ne_bytes);
        });
        match found {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            outcome => outcome.map(|()| cookie),
        }
    }

    /// Ends the connection as a reset of the peer would, for both ends. That it is gone is what was wanted.
    pub fn destroy(&self, socket: &Connecting) -> io::Result<()> {
        self.say(DESTROY, ACKNOWLEDGE, &subject(socket.family, &socket.connection))?;
        match self.hear(|_| {}) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            outcome => outcome,
        }
    }

    fn say(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(u32::try_from(HEADER + body.len()).expect("requests are short").to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((REQUEST | flags).to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        self.socket.send(&message).map(drop)
    }

    /// Until the kernel says that this was all, or that something is wrong.
    fn hear(&self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![MaybeUninit::<u8>::uninit(); PART];
        loop {
            let size = self.socket.recv(&mut buffer)?;
            // SAFETY: the kernel has written so many bytes.
            let mut part = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), size) };
            while let Some((kind, body, rest)) = message(part) {
                match kind {
                    DONE => return Ok(()),
                    ERROR => return acknowledgement(body),
                    _ => take(body),
                }
                part = rest;
            }
        }
    }
}

impl Connecting {
    fn read(message: &[u8]) -> Option<Self> {
        let attributes = message.get(MESSAGE..)?;
        let value = attributes_of(attributes).find(|(kind, _)| *kind == STORAGES)?.1;
        let value = attributes_of(value).find(|(kind, _)| *kind == STORAGE)?.1;
        let value = attributes_of(value).find(|(kind, _)| *kind == VALUE)?.1;
        if value.len() < size_of::<Kept>() {
            return None;
        }
        // SAFETY: as many bytes are there, and every pattern of them is a `Kept`.
        let kept: Kept = unsafe { std::ptr::read_unaligned(value.as_ptr().cast()) };
        Some(Self {
            family: message[0],
            connection: message[CONNECTION].try_into().ok()?,
            inode: u32::from_ne_bytes(message[INODE..MESSAGE].try_into().ok()?),
            origin: kept.asked()?,
        })
    }
}

/// Which TCP sockets a request is about: all of a family, or one connection.
fn subject(family: u8, connection: &[u8; 48]) -> Vec<u8> {
    request(family, small(libc::IPPROTO_TCP), connection)
}

fn request(family: u8, protocol: u8, connection: &[u8; 48]) -> Vec<u8> {
    let mut body = vec![family, protocol, 0, 0];
    body.extend(ALIVE.to_ne_bytes());
    body.extend(connection);
    body
}

/// Families and protocols are.
fn small(number: i32) -> u8 {
    u8::try_from(number).expect("the kernel's numbers for them are bytes")
}

/// IPv4 fills the first word only.
fn address(of: SocketAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match of.ip() {
        IpAddr::V4(v4) => bytes[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => bytes = v6.octets(),
    }
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("attributes are short");
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}

/// The first message of a part, and what follows it.
fn message(part: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(part.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(part.get(4..6)?.try_into().ok()?);
    let rest = part.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, part.get(HEADER..length)?, rest))
}

/// Kind and value of each.
fn attributes_of(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?) & KIND;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn acknowledgement(body: &[u8]) -> io::Result<()> {
    let number = body.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_ne_bytes);
    if number == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_is_no_socket() {
        let kept = attribute(VALUE, &[7; 40]);
        let mut whole = vec![0; MESSAGE];
        whole.extend(attribute(STORAGES, &attribute(STORAGE, &kept)));
        assert_eq!(Connecting::read(&whole).map(|found| found.origin.source), Some(0x0707_0707));
        for length in 0..whole.len() {
            assert!(Connecting::read(&whole[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn every_living_state_is_asked_for() {
        let (established, syn_sent, time_wait, close, close_wait, listen) = (1, 2, 6, 7, 8, 10);
        for (state, asked) in
            [(established, 1), (syn_sent, 1), (time_wait, 0), (close, 0), (close_wait, 1), (listen, 0)]
        {
            assert_eq!(ALIVE >> state & 1, asked, "{state}");
        }
    }
}
