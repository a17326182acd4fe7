use super::RecordError;
use crate::proxy::buffer::{Buffer, whole_records};
use crate::proxy::handshake::{Connection, either, encode};
use crate::proxy::leg::{Leg, Received};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

/// Records as rustls makes them, whatever version was negotiated.
pub struct Negotiated {
    connection: Connection,
    /// Messages of the protocol itself that go out before the next data.
    control: Vec<u8>,
}

impl Negotiated {
    pub fn new(connection: Connection) -> Self {
        Self { connection, control: Vec::new() }
    }

    /// Reads plaintext from `leg` and leaves it in `buffer` as records, ready to be written; at the end of
    /// the stream the closing alert. `scratch` is overwritten.
    pub fn seal_from(
        &mut self,
        leg: &mut Leg,
        scratch: &mut [u8],
        buffer: &mut Buffer,
    ) -> Result<Received, RecordError> {
        let room = buffer.room_for_plain().min(scratch.len());
        let received = leg.read(&mut scratch[..room])?;
        let sealed = match received {
            Received::Bytes(count) => self.seal(Some(&scratch[..count]), &mut buffer.bytes)?,
            Received::End => self.seal(None, &mut buffer.bytes)?,
            Received::NotNow => 0,
        };
        buffer.push(0..sealed);
        Ok(received)
    }

    /// Data, or the closing alert.
    fn seal(&mut self, plain: Option<&[u8]>, out: &mut [u8]) -> Result<usize, RecordError> {
        let at = self.flush_control(out)?;
        let out = &mut out[at..];
        let written = either!(&mut self.connection, connection => {
            match (connection.process_tls_records(&mut []).state?, plain) {
                (ConnectionState::WriteTraffic(mut traffic), Some(plain)) => traffic.encrypt(plain, out),
                (ConnectionState::WriteTraffic(mut traffic), None) => traffic.queue_close_notify(out),
                _ => return Err(RecordError::Exhausted),
            }
        });
        Ok(at + written.map_err(|_| RecordError::Exhausted)?)
    }

    /// Puts what the protocol itself has to say at the front of `out`.
    fn flush_control(&mut self, out: &mut [u8]) -> Result<usize, RecordError> {
        let control = &mut self.control;
        either!(&mut self.connection, connection => loop {
            match connection.process_tls_records(&mut []).state? {
                ConnectionState::EncodeTlsData(mut data) => encode(&mut data, control)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                _ => break,
            }
        });
        let len = control.len();
        out.get_mut(..len).ok_or(RecordError::Exhausted)?.copy_from_slice(control);
        control.clear();
        Ok(len)
    }

    /// Opens the whole records of `buffer`: their plaintext becomes ready to be written. True once the peer
    /// has said that no more comes.
    pub fn open(&mut self, buffer: &mut Buffer) -> Result<bool, RecordError> {
        let mut put = 0;
        let mut closed = false;
        while !closed {
            let at = buffer.unopened.start;
            let whole =
                whole_records(&buffer.bytes[at..buffer.unopened.end], 1).ok_or(RecordError::TooLong)?;
            if whole == 0 {
                break;
            }
            let (done, todo) = buffer.bytes.split_at_mut(at);
            let opened = either!(&mut self.connection, connection => {
                open_record(&mut **connection, &mut todo[..whole], &mut done[put..], &mut self.control)
            })?;
            put += opened.plain;
            closed = opened.closed;
            buffer.unopened.start += whole;
        }
        buffer.push(0..put);
        Ok(closed)
    }
}

#[derive(Default)]
struct Opened {
    plain: usize,
    closed: bool,
}

/// Opens one whole record; its plaintext goes to the front of `plain`.
fn open_record<C: Process>(
    connection: &mut C,
    record: &mut [u8],
    plain: &mut [u8],
    control: &mut Vec<u8>,
) -> Result<Opened, RecordError> {
    let mut opened = Opened::default();
    let (mut used, len) = (0, record.len());
    loop {
        let status = connection.process(&mut record[used..]);
        let discard = status.discard;
        match status.state? {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(data) = traffic.next_record() {
                    let payload = data?.payload;
                    plain[opened.plain..opened.plain + payload.len()].copy_from_slice(payload);
                    opened.plain += payload.len();
                }
            }
            ConnectionState::EncodeTlsData(mut data) => encode(&mut data, control)?,
            ConnectionState::TransmitTlsData(data) => data.done(),
            ConnectionState::PeerClosed | ConnectionState::Closed => {
                opened.closed = true;
                return Ok(opened);
            }
            ConnectionState::WriteTraffic(_) if discard == 0 && used == len => return Ok(opened),
            // Left undiscarded, it would have to be shown again with each call: nobody sends such.
            ConnectionState::WriteTraffic(_) if discard == 0 => return Err(RecordError::Split),
            ConnectionState::WriteTraffic(_) => {}
            _ => return Err(RecordError::Split),
        }
        used += discard;
    }
}

/// What both roles of a TLS connection can do.
trait Process {
    type Data;
    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Process for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }
}

impl Process for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }
}
