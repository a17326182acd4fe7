use super::RecordError;
use super::control::{CLOSING_ALERT, NEW_KEYS};
use super::keys::{ALERT, HANDSHAKE, Layout};
use crate::proxy::buffer::{Buffer, PLAIN};
use crate::proxy::ktls::CryptoInfo;
use crate::proxy::ktls::socket::{self, Way};
use crate::proxy::leg::{Leg, Received};
use std::io;

/// Records left under a key when it counts as worn: more than go out between two looks.
const LEFT: u64 = 4_096;

/// The sending way of a connection whose records the kernel seals.
pub struct KernelSend {
    /// How long the description of its key is.
    info: usize,
    /// What a record is longer by than its content.
    overhead: u64,
    /// The socket's queue when the kernel took over.
    base: u64,
    /// The number of the first record under this key.
    first: u64,
    /// What was given to the kernel, and what its records under earlier keys added to that.
    given: u64,
    /// Records under this key, estimated; and when to look how many they are.
    estimate: u64,
    look_at: u64,
    /// The closing alert is on its way.
    closing: bool,
}

impl KernelSend {
    /// Hands the sending way over, which has nothing under way. `number` is that of the next record.
    pub fn take_over(peer: &Leg, layout: Layout, info: &CryptoInfo, number: u64) -> io::Result<Self> {
        let socket = peer.socket()?;
        socket::attach(socket)?;
        let base = socket::queued(socket)?.ok_or(io::ErrorKind::Interrupted)?;
        socket::key(socket, Way::Send, info)?;
        Ok(Self {
            info: info.size(),
            overhead: layout.overhead() as u64,
            base,
            first: number,
            given: 0,
            estimate: number,
            look_at: 0,
            closing: false,
        })
    }

    /// Reads plaintext, which goes to the kernel as it is.
    pub fn fill(&mut self, leg: &mut Leg, buffer: &mut Buffer) -> io::Result<Received> {
        let room = buffer.room_for_plain();
        let received = leg.read(&mut buffer.bytes[..room])?;
        if let Received::Bytes(count) = received {
            buffer.push(0..count);
            self.gave(count);
        }
        Ok(received)
    }

    /// So many bytes go to the kernel.
    pub fn gave(&mut self, count: usize) {
        self.given += count as u64;
        self.estimate += (count / PLAIN) as u64 + 1;
    }

    /// Whether its key has protected nearly as much as it may.
    pub fn is_worn(&mut self, peer: &Leg, limit: u64) -> io::Result<bool> {
        if self.estimate < self.look_at {
            return Ok(false);
        }
        self.estimate = socket::next_number(peer.socket()?, self.info)?;
        let left = limit.saturating_sub(self.estimate);
        self.look_at = self.estimate.saturating_add(left / 2);
        Ok(left <= LEFT)
    }

    /// Says that what follows is under the next key. False where the queue is full.
    pub fn announce_key(&mut self, peer: &mut Leg) -> io::Result<bool> {
        self.send(peer, HANDSHAKE, &NEW_KEYS)
    }

    /// Gives the announced key to the kernel.
    pub fn change_key(&mut self, peer: &Leg, next: &CryptoInfo) -> io::Result<()> {
        let socket = peer.socket()?;
        let sealed = socket::next_number(socket, self.info)?.saturating_sub(self.first);
        socket::key(socket, Way::Send, next)?;
        self.given += sealed * self.overhead;
        (self.first, self.estimate, self.look_at) = (0, 0, 0);
        Ok(())
    }

    /// Ends the stream: the closing alert, and FIN behind it. The kernel sends FIN at once, even past records that
    /// it has sealed and not yet queued, so that it has to wait for those. False where it has to.
    pub fn end(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        self.closing = self.closing || self.send(peer, ALERT, &CLOSING_ALERT)?;
        if !self.closing || !self.is_flushed(peer)? {
            return Ok(false);
        }
        peer.end_writing()?;
        Ok(true)
    }

    fn is_flushed(&self, peer: &Leg) -> io::Result<bool> {
        let socket = peer.socket()?;
        let sealed = socket::next_number(socket, self.info)?.saturating_sub(self.first);
        let due = self.base + self.given + sealed * self.overhead;
        Ok(socket::queued(socket)?.is_some_and(|queued| queued >= due))
    }

    fn send(&mut self, peer: &mut Leg, kind: u8, content: &[u8]) -> io::Result<bool> {
        let sent = peer.send_record(kind, content)?;
        if sent {
            self.gave(content.len());
        }
        Ok(sent)
    }
}
