//! What is on the wire, as the kernel sees it.

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::collections::HashSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Records the TCP payload to and from one port until it is stopped.
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u8>>,
}

impl Capture {
    /// # Errors
    /// We may not look at packets.
    pub fn start(port: u16) -> Result<Self, String> {
        let socket = open().map_err(|error| format!("packets cannot be captured: {error}"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = std::thread::spawn(move || record(&socket, port, &seen));
        Ok(Self { stop, thread })
    }

    /// All payload, both ways, in the order of the packets.
    pub fn stop(self) -> Vec<u8> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("recording does not panic")
    }
}

fn open() -> nix::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
    Ok(socket)
}

/// Stops only once the queue is empty, so that nothing sent before is missed. What still comes of connections
/// that were open before is not taken: their first bytes are gone.
fn record(socket: &OwnedFd, port: u16, stop: &AtomicBool) -> Vec<u8> {
    let (mut seen, mut opened, mut buffer) = (Vec::new(), HashSet::new(), vec![0; 1 << 18]);
    loop {
        let Ok(length) = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) else {
            if stop.load(Ordering::SeqCst) {
                return seen;
            }
            continue;
        };
        let Some(segment) = Segment::of(&buffer[..length], port) else { continue };
        if segment.opens {
            opened.insert(segment.client);
        }
        if opened.contains(&segment.client) {
            seen.extend_from_slice(segment.payload);
        }
    }
}

/// A TCP segment to or from the port that is looked at.
struct Segment<'a> {
    /// The port at the other end.
    client: u16,
    /// It is a SYN.
    opens: bool,
    payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// What an IPv4 packet of that port carries behind its Ethernet header.
    fn of(frame: &'a [u8], port: u16) -> Option<Self> {
        const SYN: u8 = 2;
        let ip = frame.get(14..)?;
        if frame.get(12..14)? != [8, 0] || *ip.get(9)? != 6 {
            return None;
        }
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let tcp = ip.get(usize::from(ip[0] & 15) * 4..total.min(ip.len()))?;
        let port_at = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
        let client = match (port_at(0)?, port_at(2)?) {
            (from, to) if to == port => from,
            (from, to) if from == port => to,
            _ => return None,
        };
        let payload = tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)?;
        Some(Self { client, opens: tcp.get(13)? & SYN != 0, payload })
    }
}

/// Whether the bytes occur.
pub fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Whether it begins like TLS: a handshake record.
pub fn begins_with_handshake(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, ..])
}
