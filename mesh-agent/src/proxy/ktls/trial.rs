//! A trial of the kernel's TLS: a connection of this process with itself, over the loopback.

use super::KernelTls;
use super::pipe::Pipe;
use super::socket;
use crate::proxy::handshake::{Handshake, HandshakeError};
use crate::proxy::leg::Leg;
use crate::proxy::records::{ALERT, DATA, RecordError, Records};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than one record, and none of the last one's length.
const LENGTHS: [usize; 3] = [1, 16_384, 100_001];
const NAME: &str = "trial.mesh";

/// Where the kernel failed.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error("the trial could not begin: {0}")]
    Setup(#[from] Setup),
    #[error("the kernel has no TLS (CONFIG_TLS; modprobe tls): {0}")]
    Absent(#[source] io::Error),
    #[error("the kernel takes no keys of {suite}: {source}")]
    Keys {
        suite: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{what} came out of the kernel's TLS other than it went in")]
    Differs { what: &'static str },
    #[error("{what} failed: {source}")]
    Step {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

/// What has nothing to do with the kernel's TLS.
#[derive(Debug, thiserror::Error)]
pub enum Setup {
    #[error("{0}")]
    Socket(#[from] io::Error),
    #[error("{0}")]
    Certificate(#[from] rcgen::Error),
    #[error("{0}")]
    Config(#[from] rustls::Error),
    #[error("{0}")]
    Handshake(String),
}

/// What a trial found out.
pub struct Found {
    pub rekeys: bool,
}

/// One end of the connection.
struct End {
    leg: Leg,
    stream: TcpStream,
    records: Records,
}

/// # Errors
/// The kernel does not do right by this suite.
pub fn run(suite: CipherSuite) -> Result<Found, TrialError> {
    let (mut near, mut far) = connected(suite)?;
    for end in [&mut near, &mut far] {
        end.hand_over(suite)?;
    }
    for length in LENGTHS {
        let bytes = pattern(length);
        compare("what was written", &carry(&bytes, &mut &near.stream, &mut &far.stream)?, &bytes)?;
        compare("what was written back", &carry(&bytes, &mut &far.stream, &mut &near.stream)?, &bytes)?;
        compare("what was spliced", &spliced(&bytes, &near.stream, &far.stream)?, &bytes)?;
        compare("what was spliced back", &spliced(&bytes, &far.stream, &near.stream)?, &bytes)?;
    }
    end(&mut near, &mut far)?;
    Ok(Found { rekeys: far.changes_keys() })
}

impl End {
    fn hand_over(&mut self, suite: CipherSuite) -> Result<(), TrialError> {
        socket::attach(&self.stream).map_err(TrialError::Absent)?;
        let suite = suite.as_str().unwrap_or_default();
        let keys = |source| TrialError::Keys { suite, source };
        self.records.hand_over_sending(&self.leg).map_err(keys)?;
        self.records.hand_over_receiving(&mut self.leg).map_err(keys)
    }

    /// Announces a new key to nobody who listens any more.
    fn changes_keys(&mut self) -> bool {
        self.leg.pretend_ready();
        self.records.change_kernel_key(&mut self.leg).is_ok()
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 131 + (at >> 8) * 7 + length) as u8).collect()
}

fn compare(what: &'static str, got: &[u8], sent: &[u8]) -> Result<(), TrialError> {
    if got == sent { Ok(()) } else { Err(TrialError::Differs { what }) }
}

/// The two ends after a handshake.
fn connected(suite: CipherSuite) -> Result<(End, End), Setup> {
    let (client, server) = configs(suite)?;
    let name = ServerName::try_from(NAME).expect("it is a DNS name");
    let failed = |error: HandshakeError| Setup::Handshake(error.to_string());
    let mut client = Handshake::client(client, name).map_err(failed)?;
    let mut server = Handshake::server(server).map_err(failed)?;
    let (near, far) = pair()?;
    let (mut near_leg, mut far_leg) = (leg(&near)?, leg(&far)?);
    let begun = Instant::now();
    let mut done = (false, false);
    while done != (true, true) {
        if begun.elapsed() > PATIENCE {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        near_leg.pretend_ready();
        far_leg.pretend_ready();
        done =
            (client.advance(&mut near_leg).map_err(failed)?, server.advance(&mut far_leg).map_err(failed)?);
    }
    Ok((established(near_leg, near, *client)?, established(far_leg, far, *server)?))
}

fn established(leg: Leg, stream: TcpStream, handshake: Handshake) -> Result<End, Setup> {
    let records = Records::new(handshake.finish().0, Some(KernelTls::presumed()), u64::MAX);
    let records = records.map_err(|error: RecordError| Setup::Handshake(error.to_string()))?;
    Ok(End { leg, stream, records })
}

fn leg(stream: &TcpStream) -> io::Result<Leg> {
    let mut leg = Leg::default();
    leg.set(stream.try_clone()?);
    Ok(leg)
}

/// Two ends of a connection over the loopback that do not block.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, from) = listener.accept()?;
    if from != near.local_addr()? {
        return Err(io::Error::other("somebody else connected to the trial"));
    }
    for stream in [&near, &far] {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
    }
    Ok((near, far))
}

/// Of a server that shows a certificate made just now, and of a client that trusts it alone.
fn configs(suite: CipherSuite) -> Result<(Arc<ClientConfig>, Arc<ServerConfig>), Setup> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![NAME.to_owned()])?;
    let mut provider: CryptoProvider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|known| known.suite() == suite);
    let provider = Arc::new(provider);
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.enable_secret_extraction = true;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    server.enable_secret_extraction = true;
    server.send_tls13_tickets = 0;
    Ok((Arc::new(client), Arc::new(server)))
}

/// Repeats a step until it says that it is done.
fn until_done(what: &'static str, mut step: impl FnMut() -> io::Result<bool>) -> Result<(), TrialError> {
    let begun = Instant::now();
    loop {
        match step() {
            Ok(true) => return Ok(()),
            Err(source) if source.kind() != io::ErrorKind::WouldBlock => {
                return Err(TrialError::Step { what, source });
            }
            _ if begun.elapsed() > PATIENCE => {
                return Err(TrialError::Step { what, source: io::ErrorKind::TimedOut.into() });
            }
            _ => std::thread::yield_now(),
        }
    }
}

/// Nothing where it would block.
fn now(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// Writes on one side and reads on the other.
fn carry(bytes: &[u8], from: &mut impl Write, to: &mut impl Read) -> Result<Vec<u8>, TrialError> {
    let (mut sent, mut got, mut chunk) = (0, Vec::new(), vec![0; 65_536]);
    until_done("reading what was written", || {
        if sent < bytes.len() {
            sent += now(from.write(&bytes[sent..]))?;
        }
        let count = now(to.read(&mut chunk))?;
        got.extend_from_slice(&chunk[..count]);
        Ok(got.len() >= bytes.len())
    })?;
    Ok(got)
}

/// From a plain connection into one end, and from the other end into another plain connection.
fn spliced(bytes: &[u8], near: &TcpStream, far: &TcpStream) -> Result<Vec<u8>, TrialError> {
    let ((app, app_far), (other, other_far)) = (pair().map_err(Setup::from)?, pair().map_err(Setup::from)?);
    let (mut up, mut down) = (Pipe::new().map_err(Setup::from)?, Pipe::new().map_err(Setup::from)?);
    let (mut sent, mut got, mut chunk) = (0, Vec::new(), vec![0; 65_536]);
    until_done("splicing", || {
        if sent < bytes.len() {
            sent += now((&app).write(&bytes[sent..]))?;
        }
        through(&mut up, &app_far, near)?;
        through(&mut down, far, &other_far)?;
        let count = now((&other).read(&mut chunk))?;
        got.extend_from_slice(&chunk[..count]);
        Ok(got.len() >= bytes.len())
    })?;
    Ok(got)
}

fn through(pipe: &mut Pipe, from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    if pipe.is_empty() {
        now(pipe.fill(from))?;
    }
    if !pipe.is_empty() {
        now(pipe.drain(to))?;
    }
    Ok(())
}

/// The closing alert arrives as what it is, and behind it the end.
fn end(near: &mut End, far: &mut End) -> Result<(), TrialError> {
    until_done("ending a stream", || {
        near.leg.pretend_ready();
        near.records.end(&mut near.leg).map_err(io::Error::other)
    })?;
    let mut alert = [0; 64];
    let mut kind = DATA;
    until_done("reading the closing alert", || {
        kind = socket::receive_record(&far.stream, &mut alert)?.kind;
        Ok(true)
    })?;
    if kind != ALERT {
        return Err(TrialError::Differs { what: "the closing alert" });
    }
    Ok(())
}
