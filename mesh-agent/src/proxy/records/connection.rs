use super::RecordError;
use super::control::{CLOSING_ALERT, Control, NEW_KEYS, meaning};
use super::kernel::KernelSend;
use super::keys::{ALERT, DATA, HANDSHAKE, Keys, Layout};
use crate::proxy::buffer::{Buffer, PLAIN, whole_records};
use crate::proxy::handshake::Connection;
use crate::proxy::ktls::KernelTls;
use crate::proxy::ktls::socket::{self, Way};
use crate::proxy::leg::{Leg, Received};
use crate::proxy::pool::RECORDS;
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};
use std::io::{self, IoSliceMut};

/// Records that are read for at a time, while their plaintext fills them and otherwise.
const MANY: usize = RECORDS;
const FEW: usize = 2;
/// Changes of keys that a peer may make without sending data between them.
const CHANGES: u32 = 32;

/// Derives the next keys. What rustls leaves us of a connection.
enum Schedule {
    Client(KernelConnection<ClientConnectionData>),
    Server(KernelConnection<ServerConnectionData>),
}

/// Who seals what is sent.
enum Sealing {
    Own(Keys),
    Kernel(KernelSend),
}

/// Who opens what is received.
enum Opening {
    Own(Keys),
    Kernel,
}

/// How the records of one connection are sealed and opened: where they lie, in the buffers that sockets read into and
/// write from, or by the kernel, each way by itself.
pub struct Records {
    send: Sealing,
    receive: Opening,
    schedule: Schedule,
    suite: SupportedCipherSuite,
    layout: Layout,
    /// The kernel may take over.
    kernel: bool,
    /// Records that one key may protect.
    limit: u64,
    /// The peer wants us to change our keys before we send more.
    asked_to_change: bool,
    /// Changes of the peer's keys since it last sent data.
    changes: u32,
    /// The last read filled a record.
    busy: bool,
}

impl Records {
    /// `kernel` is what the kernel can, where it may take over. A key protects `most` records, and fewer where its
    /// suite says so.
    ///
    /// # Errors
    /// The connection is not established.
    pub fn new(connection: Connection, kernel: Option<KernelTls>, most: u64) -> Result<Self, RecordError> {
        let (secrets, schedule, suite) = match connection {
            Connection::Client(client) => {
                let (secrets, schedule) = client.dangerous_into_kernel_connection()?;
                let suite = schedule.negotiated_cipher_suite();
                (secrets, Schedule::Client(schedule), suite)
            }
            Connection::Server(server) => {
                let (secrets, schedule) = server.dangerous_into_kernel_connection()?;
                let suite = schedule.negotiated_cipher_suite();
                (secrets, Schedule::Server(schedule), suite)
            }
        };
        let kernel = kernel.is_some_and(|kernel| kernel.knows(suite));
        Ok(Self {
            send: Sealing::Own(Keys::new(secrets.tx, suite, kernel)?),
            receive: Opening::Own(Keys::new(secrets.rx, suite, kernel)?),
            schedule,
            suite,
            layout: Layout::of(suite),
            kernel,
            limit: confidentiality_limit(suite).min(most),
            asked_to_change: false,
            changes: 0,
            busy: false,
        })
    }

    /// Reads plaintext from `leg` and leaves it in the empty `buffer` as records, ready to be written; at the
    /// end of the stream the closing alert.
    pub fn seal_from(&mut self, leg: &mut Leg, buffer: &mut Buffer) -> Result<Received, RecordError> {
        if let Sealing::Kernel(sending) = &mut self.send {
            return Ok(sending.fill(leg, buffer)?);
        }
        let start = self.change_keys_if_due(buffer)?;
        let count = if self.busy { MANY } else { FEW };
        let front = self.layout.front();
        let mut slots: Vec<IoSliceMut<'_>> = buffer.bytes[start..]
            .chunks_exact_mut(PLAIN + self.layout.overhead())
            .take(count)
            .map(|record| IoSliceMut::new(&mut record[front..front + PLAIN]))
            .collect();
        let received = leg.read_vectored(&mut slots)?;
        let end = match received {
            Received::Bytes(count) => self.seal_data(&mut buffer.bytes, start, count)?,
            Received::End => self.seal_close(&mut buffer.bytes, start)?,
            Received::NotNow => start,
        };
        buffer.push(0..end);
        Ok(received)
    }

    /// The plaintext already lies in the slots of its records. Gives where the last of them ends.
    fn seal_data(&mut self, bytes: &mut [u8], start: usize, count: usize) -> Result<usize, RecordError> {
        self.busy = count >= PLAIN;
        let keys = self.send.own()?;
        let (mut at, mut left) = (start, count);
        while left > 0 {
            let plain = left.min(PLAIN);
            let end = at + plain + keys.layout().overhead();
            keys.seal(&mut bytes[at..end], DATA)?;
            at = end;
            left -= plain;
        }
        Ok(at)
    }

    fn seal_close(&mut self, bytes: &mut [u8], start: usize) -> Result<usize, RecordError> {
        self.seal_message(bytes, start, &CLOSING_ALERT, ALERT)
    }

    fn seal_message(
        &mut self,
        bytes: &mut [u8],
        start: usize,
        message: &[u8],
        kind: u8,
    ) -> Result<usize, RecordError> {
        let at = start + self.layout.front();
        let end = start + message.len() + self.layout.overhead();
        bytes[at..at + message.len()].copy_from_slice(message);
        self.send.own()?.seal(&mut bytes[start..end], kind)?;
        Ok(end)
    }

    /// Puts a KeyUpdate at the front where the peer asked for one or the key has protected as much as it
    /// may. Gives where it ends.
    fn change_keys_if_due(&mut self, buffer: &mut Buffer) -> Result<usize, RecordError> {
        let worn = self.send.own()?.used() + MANY as u64 + 1 >= self.limit;
        if !worn && !self.asked_to_change {
            return Ok(0);
        }
        let next = self.next_send()?;
        let end = self.seal_message(&mut buffer.bytes, 0, &NEW_KEYS, HANDSHAKE)?;
        self.send = Sealing::Own(next);
        self.asked_to_change = false;
        Ok(end)
    }

    /// Opens the whole records of `buffer`: their plaintext becomes ready to be written. True once the peer
    /// has said that no more comes.
    pub fn open(&mut self, buffer: &mut Buffer) -> Result<bool, RecordError> {
        loop {
            let at = buffer.unopened.start;
            let whole =
                whole_records(&buffer.bytes[at..buffer.unopened.end], 1).ok_or(RecordError::TooLong)?;
            if whole == 0 {
                return Ok(false);
            }
            let Opening::Own(keys) = &mut self.receive else { return Err(RecordError::Exhausted) };
            let (kind, len) = keys.open(&mut buffer.bytes[at..at + whole])?;
            buffer.unopened.start += whole;
            let text = at + self.layout.front();
            let text = text..text + len;
            if kind == DATA {
                self.changes = 0;
                buffer.push(text);
            } else if self.obey(kind, &buffer.bytes[text], None)? {
                return Ok(true);
            }
        }
    }

    /// Does what a record asks for that is not data; true if it ends the stream. `peer` is where the kernel
    /// opens records.
    fn obey(&mut self, kind: u8, content: &[u8], peer: Option<&mut Leg>) -> Result<bool, RecordError> {
        match meaning(kind, content, matches!(self.schedule, Schedule::Client(_)))? {
            Control::Nothing => Ok(false),
            Control::Closed => Ok(true),
            Control::NewKeys { asked } => {
                self.changes += 1;
                if self.changes > CHANGES {
                    return Err(RecordError::Restless);
                }
                self.asked_to_change |= asked;
                self.next_receive(peer).map(|()| false)
            }
        }
    }

    /// # Errors
    /// TLS 1.2 has no such keys.
    fn next_send(&mut self) -> Result<Keys, RecordError> {
        if self.layout == Layout::Tls12 {
            return Err(RecordError::Worn);
        }
        Keys::new(self.schedule.next_send()?, self.suite, self.kernel)
    }

    fn next_receive(&mut self, peer: Option<&mut Leg>) -> Result<(), RecordError> {
        let mut keys = Keys::new(self.schedule.next_receive()?, self.suite, self.kernel)?;
        if let (Opening::Kernel, Some(peer)) = (&self.receive, peer) {
            let (info, _) = keys.for_kernel().ok_or(RecordError::Exhausted)?;
            let changed = socket::key(peer.socket()?, Way::Receive, info);
            return changed.map_err(|source| RecordError::KernelKeeps { source });
        }
        self.receive = Opening::Own(keys);
        Ok(())
    }

    /// Hands the sending way to the kernel. Nothing of it may be under way here. On an error all stays as it was.
    pub fn hand_over_sending(&mut self, peer: &Leg) -> io::Result<()> {
        let Sealing::Own(keys) = &mut self.send else { return Ok(()) };
        let (info, number) = keys.for_kernel().ok_or(io::ErrorKind::Unsupported)?;
        self.send = Sealing::Kernel(KernelSend::take_over(peer, self.layout, info, number)?);
        Ok(())
    }

    /// Hands the receiving way to the kernel. What was received must end with a whole record, and all of it be
    /// opened. On an error all stays as it was.
    pub fn hand_over_receiving(&mut self, peer: &mut Leg) -> io::Result<()> {
        let Opening::Own(keys) = &mut self.receive else { return Ok(()) };
        let (info, _) = keys.for_kernel().ok_or(io::ErrorKind::Unsupported)?;
        let socket = peer.socket()?;
        socket::attach(socket)?;
        socket::key(socket, Way::Receive, info)?;
        socket::expect_no_padding(socket);
        peer.brings_records();
        self.receive = Opening::Kernel;
        Ok(())
    }

    /// Whether each way, sending and receiving, may still be handed over.
    pub fn may_hand_over(&self) -> (bool, bool) {
        let send = matches!(self.send, Sealing::Own(_)) && !self.asked_to_change;
        (self.kernel && send, self.kernel && matches!(self.receive, Opening::Own(_)))
    }

    pub fn kernel_receives(&self) -> bool {
        matches!(self.receive, Opening::Kernel)
    }

    /// What the kernel has opened: true if it ends the stream.
    pub fn opened(&mut self, kind: u8, content: &[u8], peer: &mut Leg) -> Result<bool, RecordError> {
        if kind == DATA {
            self.changes = 0;
            return Ok(false);
        }
        self.obey(kind, content, Some(peer))
    }

    /// Before more is sent: what the kernel has to be told. False where the peer's socket is too full for it.
    pub fn prepare(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        let Sealing::Kernel(sending) = &mut self.send else { return Ok(true) };
        if !self.asked_to_change && !sending.is_worn(peer, self.limit)? {
            return Ok(true);
        }
        self.change_kernel_key(peer)
    }

    /// Changes the key for sending that the kernel has. False where the queue is full.
    ///
    /// # Errors
    /// It keeps those of a connection, or TLS 1.2 does.
    pub fn change_kernel_key(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        if self.layout == Layout::Tls12 {
            return Err(RecordError::Worn);
        }
        let Sealing::Kernel(sending) = &mut self.send else { return Ok(true) };
        if !sending.announce_key(peer)? {
            return Ok(false);
        }
        self.asked_to_change = false;
        let mut keys = Keys::new(self.schedule.next_send()?, self.suite, self.kernel)?;
        let (info, _) = keys.for_kernel().ok_or(RecordError::Exhausted)?;
        sending.change_key(peer, info).map_err(|source| RecordError::KernelKeeps { source })?;
        Ok(true)
    }

    /// Tells the peer that no more comes, behind what was sealed or given to the kernel. False where it has to be
    /// tried again.
    pub fn end(&mut self, peer: &mut Leg) -> Result<bool, RecordError> {
        match &mut self.send {
            Sealing::Own(_) => peer.end_writing().map(|()| true).map_err(RecordError::from),
            Sealing::Kernel(sending) => sending.end(peer),
        }
    }
}

impl Sealing {
    /// # Errors
    /// The keys are the kernel's: a number that both use would betray what is sealed.
    fn own(&mut self) -> Result<&mut Keys, RecordError> {
        match self {
            Self::Own(keys) => Ok(keys),
            Self::Kernel(_) => Err(RecordError::Exhausted),
        }
    }
}

fn confidentiality_limit(suite: SupportedCipherSuite) -> u64 {
    match suite {
        SupportedCipherSuite::Tls12(suite) => suite.common.confidentiality_limit,
        SupportedCipherSuite::Tls13(suite) => suite.common.confidentiality_limit,
    }
}

impl Schedule {
    fn next_send(&mut self) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error> {
        match self {
            Self::Client(client) => client.update_tx_secret(),
            Self::Server(server) => server.update_tx_secret(),
        }
    }

    fn next_receive(&mut self) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error> {
        match self {
            Self::Client(client) => client.update_rx_secret(),
            Self::Server(server) => server.update_rx_secret(),
        }
    }
}

#[cfg(test)]
mod tests;
