use super::buffer::whole_records;
use super::leg::{Leg, Received};
use crate::pki::explain;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{ClientConfig, ServerConfig};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// How much of a peer's handshake is kept before it is refused: a few long certificate chains.
const LIMIT: usize = 96 * 1024;
/// How much is read at a time.
const CHUNK: usize = 8 * 1024;

/// Why a handshake did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("{}", explain(.0))]
    Tls(#[from] rustls::Error),
    #[error("the connection broke during the TLS handshake: {0}")]
    Io(#[from] io::Error),
    #[error("the peer closed the connection during the TLS handshake")]
    Closed,
    #[error("the peer closed the connection without a word, as health checks do")]
    Silent,
    #[error("what the peer sent is not TLS, or far more than a handshake needs")]
    NotTls,
    #[error("the TLS handshake took longer than {seconds} s")]
    Late { seconds: u64 },
    #[error("the peer's certificate cannot be read")]
    NoCertificate,
}

/// A TLS connection of either role, without buffers of its own.
pub(super) enum Connection {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

/// Evaluates the same expression for whichever role the connection has.
macro_rules! either {
    ($connection:expr, $name:ident => $body:expr) => {
        match $connection {
            $crate::proxy::handshake::Connection::Client($name) => $body,
            $crate::proxy::handshake::Connection::Server($name) => $body,
        }
    };
}

impl Connection {
    /// The certificate that the peer proved to own.
    pub fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        either!(self, connection => connection.peer_certificates()?.first())
    }
}

/// A handshake under way.
pub(super) struct Handshake {
    connection: Connection,
    incoming: Vec<u8>,
    /// Bytes of `incoming` that rustls has looked at and wants to see again.
    seen: usize,
    outgoing: Vec<u8>,
    sent: usize,
    /// The peer has sent nothing yet.
    silent: bool,
}

impl Handshake {
    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Box<Self>, HandshakeError> {
        Ok(Self::new(Connection::Client(Box::new(UnbufferedClientConnection::new(config, name)?))))
    }

    pub fn server(config: Arc<ServerConfig>) -> Result<Box<Self>, HandshakeError> {
        Ok(Self::new(Connection::Server(Box::new(UnbufferedServerConnection::new(config)?))))
    }

    fn new(connection: Connection) -> Box<Self> {
        Box::new(Self {
            connection,
            incoming: Vec::new(),
            seen: 0,
            outgoing: Vec::new(),
            sent: 0,
            silent: true,
        })
    }

    /// Goes as far as the socket allows; true once the peer is authenticated and all is sent.
    pub fn advance(&mut self, leg: &mut Leg) -> Result<bool, HandshakeError> {
        loop {
            let done = self.process(leg)?;
            if !self.send(leg)? {
                return Ok(false);
            }
            if done {
                return Ok(true);
            }
            if !self.receive(leg)? {
                return Ok(false);
            }
        }
    }

    /// The connection, and what already came behind the handshake.
    pub fn finish(self) -> (Connection, Vec<u8>) {
        (self.connection, self.incoming)
    }

    fn process(&mut self, leg: &mut Leg) -> Result<bool, HandshakeError> {
        let (incoming, outgoing, seen) = (&mut self.incoming, &mut self.outgoing, &mut self.seen);
        let processed = either!(&mut self.connection, connection => {
            let step = |bytes: &mut [u8]| {
                let done = step(connection.process_tls_records(bytes), outgoing);
                // A server may send before the client has finished: not yet for us.
                if connection.is_handshaking() { wait_for_peer(done) } else { done }
            };
            process(step, incoming, seen)
        });
        if let Err(HandshakeError::Tls(_)) = &processed {
            self.send_alert(leg);
        }
        processed
    }

    /// Tells the peer why, if the socket takes it at once.
    fn send_alert(&mut self, leg: &mut Leg) {
        let seen = &mut self.incoming[..self.seen];
        let outgoing = &mut self.outgoing;
        // Once: the alert comes first, anything behind it would be the same error again.
        let _ = either!(&mut self.connection, connection => step(connection.process_tls_records(seen), outgoing).1);
        self.send(leg).ok();
    }

    fn send(&mut self, leg: &mut Leg) -> Result<bool, HandshakeError> {
        while self.sent < self.outgoing.len() {
            if !leg.writable() {
                return Ok(false);
            }
            self.sent += leg.write_vectored(&[IoSlice::new(&self.outgoing[self.sent..])])?;
        }
        self.outgoing.clear();
        self.sent = 0;
        Ok(true)
    }

    fn receive(&mut self, leg: &mut Leg) -> Result<bool, HandshakeError> {
        if !leg.readable() {
            return Ok(false);
        }
        let have = self.incoming.len();
        if have + CHUNK > LIMIT {
            return Err(HandshakeError::NotTls);
        }
        self.incoming.resize(have + CHUNK, 0);
        let received = leg.read(&mut self.incoming[have..]);
        let count = if let Ok(Received::Bytes(count)) = received { count } else { 0 };
        self.incoming.truncate(have + count);
        match received? {
            Received::End if self.silent => Err(HandshakeError::Silent),
            Received::End => Err(HandshakeError::Closed),
            Received::NotNow => Ok(false),
            Received::Bytes(_) => {
                self.silent = false;
                Ok(true)
            }
        }
    }
}

/// What one call into the TLS connection led to.
enum Step {
    /// There may be more to do with what is there.
    Again,
    /// Needs more records.
    Blocked,
    /// Application data may flow.
    Established,
    Closed,
}

/// Carries out what the connection asks for. Gives how many bytes it has consumed.
fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    outgoing: &mut Vec<u8>,
) -> (usize, Result<Step, rustls::Error>) {
    let step = match status.state {
        Err(error) => Err(error),
        Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, outgoing).map(|()| Step::Again),
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done(); // What is in `outgoing` is sent before anything else is read.
            Ok(Step::Again)
        }
        Ok(ConnectionState::BlockedHandshake) => Ok(Step::Blocked),
        Ok(ConnectionState::WriteTraffic(_)) => Ok(Step::Established),
        Ok(_) => Ok(Step::Closed),
    };
    (status.discard, step)
}

fn wait_for_peer(
    (discard, step): (usize, Result<Step, rustls::Error>),
) -> (usize, Result<Step, rustls::Error>) {
    let step = step.map(|step| if matches!(step, Step::Established) { Step::Blocked } else { step });
    (discard, step)
}

/// Appends one message to `outgoing`.
fn encode<Data>(data: &mut EncodeTlsData<'_, Data>, outgoing: &mut Vec<u8>) -> Result<(), rustls::Error> {
    let (at, mut room) = (outgoing.len(), 2_048);
    loop {
        outgoing.resize(at + room, 0);
        match data.encode(&mut outgoing[at..]) {
            Ok(written) => {
                outgoing.truncate(at + written);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                room = required_size;
            }
            Err(EncodeError::AlreadyEncoded) => {
                return Err(rustls::Error::General("a TLS message was encoded twice".into()));
            }
        }
    }
}

/// Feeds whole records one at a time, so that nothing behind the handshake is consumed. A message that
/// spans records is not discarded until its last one: `seen` are the bytes at the front that stay.
fn process(
    mut step: impl FnMut(&mut [u8]) -> (usize, Result<Step, rustls::Error>),
    incoming: &mut Vec<u8>,
    seen: &mut usize,
) -> Result<bool, HandshakeError> {
    loop {
        let (discard, step) = step(&mut incoming[..*seen]);
        let step = step?;
        incoming.drain(..discard);
        *seen -= discard;
        match step {
            Step::Again => {}
            Step::Established => return Ok(true),
            Step::Closed => return Err(HandshakeError::Closed),
            Step::Blocked => match whole_records(&incoming[*seen..], 1) {
                None => return Err(HandshakeError::NotTls),
                Some(0) => return Ok(false),
                Some(next) => *seen += next,
            },
        }
    }
}
