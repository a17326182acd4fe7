//! What is on the wire, as the kernel sees it.

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
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

/// Stops only once the queue is empty, so that nothing sent before is missed.
fn record(socket: &OwnedFd, port: u16, stop: &AtomicBool) -> Vec<u8> {
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 1 << 18]);
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) => seen.extend_from_slice(payload(&buffer[..length], port).unwrap_or_default()),
            Err(_) if stop.load(Ordering::SeqCst) => return seen,
            Err(_) => {}
        }
    }
}

/// The payload of an IPv4 TCP packet of that port behind an Ethernet header.
fn payload(frame: &[u8], port: u16) -> Option<&[u8]> {
    let ip = frame.get(14..)?;
    if frame.get(12..14)? != [8, 0] || *ip.get(9)? != 6 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let tcp = ip.get(usize::from(ip[0] & 15) * 4..total.min(ip.len()))?;
    let port_at = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
    if port_at(0)? != port && port_at(2)? != port {
        return None;
    }
    tcp.get(usize::from(tcp.get(12)? >> 4) * 4..)
}

/// Whether the bytes occur.
pub fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Whether it begins like TLS: a handshake record.
pub fn begins_with_handshake(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, ..])
}
