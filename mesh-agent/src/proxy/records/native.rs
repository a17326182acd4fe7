use super::RecordError;
use super::keys::{ALERT, DATA, HANDSHAKE, Keys, TRAILER};
use crate::proxy::buffer::{Buffer, HEADER, PLAIN, whole_records};
use crate::proxy::handshake::Connection;
use crate::proxy::leg::{Leg, Received};
use crate::proxy::pool::RECORDS;
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, SupportedCipherSuite};
use std::io::IoSliceMut;

/// One of our records, full.
const RECORD: usize = HEADER + PLAIN + TRAILER;
/// Records that are read for at a time, while their plaintext fills them and otherwise.
const MANY: usize = RECORDS;
const FEW: usize = 2;
/// Changes of keys that a peer may make without sending data between them.
const CHANGES: u32 = 32;

/// Messages (RFC 8446, 4).
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;
/// Alerts (RFC 8446, 6).
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;

/// Derives the next keys. What rustls leaves us of a connection.
enum Schedule {
    Client(KernelConnection<ClientConnectionData>),
    Server(KernelConnection<ServerConnectionData>),
}

/// TLS 1.3 records, sealed and opened where they lie.
pub struct Native {
    send: Keys,
    receive: Keys,
    schedule: Schedule,
    /// Records that one key may protect.
    limit: u64,
    /// The peer wants us to change our keys before we send more.
    asked_to_change: bool,
    /// Changes of the peer's keys since it last sent data.
    changes: u32,
    /// The last read filled a record.
    busy: bool,
}

impl Native {
    pub fn new(connection: Connection) -> Result<Self, RecordError> {
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
        Ok(Self {
            send: Keys::new(secrets.tx)?,
            receive: Keys::new(secrets.rx)?,
            schedule,
            limit: confidentiality_limit(suite),
            asked_to_change: false,
            changes: 0,
            busy: false,
        })
    }

    pub fn seal_from(&mut self, leg: &mut Leg, buffer: &mut Buffer) -> Result<Received, RecordError> {
        let start = self.change_keys_if_due(buffer)?;
        let count = if self.busy { MANY } else { FEW };
        let mut slots: Vec<IoSliceMut<'_>> = buffer.bytes[start..]
            .chunks_exact_mut(RECORD)
            .take(count)
            .map(|record| IoSliceMut::new(&mut record[HEADER..HEADER + PLAIN]))
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
        let (mut at, mut left) = (start, count);
        while left > 0 {
            let plain = left.min(PLAIN);
            let end = at + HEADER + plain + TRAILER;
            self.send.seal(&mut bytes[at..end], DATA)?;
            at = end;
            left -= plain;
        }
        Ok(at)
    }

    fn seal_close(&mut self, bytes: &mut [u8], start: usize) -> Result<usize, RecordError> {
        const WARNING: u8 = 1;
        self.seal_message(bytes, start, &[WARNING, CLOSE_NOTIFY], ALERT)
    }

    fn seal_message(
        &mut self,
        bytes: &mut [u8],
        start: usize,
        message: &[u8],
        kind: u8,
    ) -> Result<usize, RecordError> {
        let end = start + HEADER + message.len() + TRAILER;
        bytes[start + HEADER..end - TRAILER].copy_from_slice(message);
        self.send.seal(&mut bytes[start..end], kind)?;
        Ok(end)
    }

    /// Puts a KeyUpdate at the front where the peer asked for one or the key has protected as much as it
    /// may. Gives where it ends.
    fn change_keys_if_due(&mut self, buffer: &mut Buffer) -> Result<usize, RecordError> {
        let worn = self.send.used() + MANY as u64 + 1 >= self.limit;
        if !worn && !self.asked_to_change {
            return Ok(0);
        }
        // Of length 1, and without asking the peer for its own.
        let end = self.seal_message(&mut buffer.bytes, 0, &[KEY_UPDATE, 0, 0, 1, 0], HANDSHAKE)?;
        self.send = Keys::new(self.schedule.next_send()?)?;
        self.asked_to_change = false;
        Ok(end)
    }

    pub fn open(&mut self, buffer: &mut Buffer) -> Result<bool, RecordError> {
        loop {
            let at = buffer.unopened.start;
            let whole =
                whole_records(&buffer.bytes[at..buffer.unopened.end], 1).ok_or(RecordError::TooLong)?;
            if whole == 0 {
                return Ok(false);
            }
            let (kind, len) = self.receive.open(&mut buffer.bytes[at..at + whole])?;
            buffer.unopened.start += whole;
            let text = at + HEADER..at + HEADER + len;
            match kind {
                DATA => {
                    self.changes = 0;
                    buffer.push(text);
                }
                HANDSHAKE => self.messages(&buffer.bytes[text])?,
                ALERT if closes(&buffer.bytes[text])? => return Ok(true),
                ALERT => {}
                kind => return Err(RecordError::Unexpected { kind }),
            }
        }
    }

    /// The messages of one record, each of them whole.
    fn messages(&mut self, mut bytes: &[u8]) -> Result<(), RecordError> {
        if bytes.is_empty() {
            return Err(RecordError::Unexpected { kind: HANDSHAKE });
        }
        while let [kind, rest @ ..] = bytes {
            let (length, rest) = rest.split_first_chunk::<3>().ok_or(RecordError::Split)?;
            let length = u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
            let (message, behind) = rest.split_at_checked(length).ok_or(RecordError::Split)?;
            self.message(*kind, message, behind.is_empty())?;
            bytes = behind;
        }
        Ok(())
    }

    fn message(&mut self, kind: u8, message: &[u8], last: bool) -> Result<(), RecordError> {
        match (kind, message) {
            // We never resume, so a ticket is of no use.
            (NEW_SESSION_TICKET, _) if matches!(self.schedule, Schedule::Client(_)) => Ok(()),
            // What follows is under the next keys, so nothing may follow in this record.
            (KEY_UPDATE, [asked @ (0 | 1)]) if last => {
                self.changes += 1;
                if self.changes > CHANGES {
                    return Err(RecordError::Restless);
                }
                self.receive = Keys::new(self.schedule.next_receive()?)?;
                self.asked_to_change |= *asked == 1;
                Ok(())
            }
            _ => Err(RecordError::Unexpected { kind }),
        }
    }
}

/// Whether an alert ends the stream in order.
fn closes(alert: &[u8]) -> Result<bool, RecordError> {
    match alert {
        [_, CLOSE_NOTIFY] => Ok(true),
        [_, USER_CANCELED] => Ok(false), // A close_notify follows.
        [_, description] => Err(RecordError::Alert { description: *description }),
        _ => Err(RecordError::Unexpected { kind: ALERT }),
    }
}

fn confidentiality_limit(suite: SupportedCipherSuite) -> u64 {
    suite.tls13().map_or(0, |suite| suite.common.confidentiality_limit)
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
