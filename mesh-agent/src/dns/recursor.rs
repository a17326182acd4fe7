use super::framing;
use hickory_proto::op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query, ResponseCode};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Asks other servers for names outside our zones.
pub(super) struct Recursor {
    servers: Vec<SocketAddr>,
    /// For one attempt with one server, over UDP and then TCP.
    timeout: Duration,
    in_flight: Semaphore,
}

/// What is asked, and the flags that a recursor heeds.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub query: Query,
    pub dnssec: bool,
    pub checking_disabled: bool,
}

/// Why no recursor answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecursionError {
    #[error("too many questions wait for recursors already: check that they answer")]
    Busy,
    #[error("no recursor answered; the last, {server}, failed: {source}")]
    Unanswered {
        server: SocketAddr,
        #[source]
        source: ExchangeError,
    },
    #[error("no recursor is configured: set recursors")]
    Nobody,
}

/// Why one recursor did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("nothing came within {0:?}")]
    TimedOut(Duration),
    #[error("{0}")]
    Socket(#[from] io::Error),
    #[error("what came is no DNS message: {0}")]
    Garbled(String),
    #[error("it said {0}")]
    Refused(ResponseCode),
}

/// Room for any answer to the payload that we announce.
const BUFFER: usize = 4096;

impl Recursor {
    pub(super) fn new(servers: Vec<SocketAddr>, timeout: Duration, in_flight: usize) -> Self {
        Self { servers, timeout, in_flight: Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)) }
    }

    pub(super) fn is_available(&self) -> bool {
        !self.servers.is_empty()
    }

    /// Asks one server after the other until one has an answer, even that there is no such name.
    ///
    /// # Errors
    /// Nobody answered, or too many are waiting.
    pub(super) async fn ask(&self, errand: &Errand) -> Result<Message, RecursionError> {
        let _permit = self.in_flight.try_acquire().map_err(|_| RecursionError::Busy)?;
        let mut failure = RecursionError::Nobody;
        for &server in &self.servers {
            match self.attempt(server, errand).await {
                Ok(answer) => return Ok(answer),
                Err(source) => {
                    tracing::debug!(%server, error = %source, "a recursor failed");
                    failure = RecursionError::Unanswered { server, source };
                }
            }
        }
        Err(failure)
    }

    async fn attempt(&self, server: SocketAddr, errand: &Errand) -> Result<Message, ExchangeError> {
        let exchange = timeout(self.timeout, exchange(server, errand));
        let answer = exchange.await.map_err(|_| ExchangeError::TimedOut(self.timeout))??;
        match answer.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(answer),
            code => Err(ExchangeError::Refused(code)),
        }
    }
}

/// UDP first; what does not fit there is asked for again over TCP.
async fn exchange(server: SocketAddr, errand: &Errand) -> Result<Message, ExchangeError> {
    let question = errand.message();
    let packet = question.to_vec().map_err(|e| ExchangeError::Garbled(e.to_string()))?;
    let answer = over_udp(server, &question, &packet).await?;
    if answer.metadata.truncation { over_tcp(server, &question, &packet).await } else { Ok(answer) }
}

/// A socket of its own for each question: its random port, with the random id, is what a forger must guess.
async fn over_udp(server: SocketAddr, question: &Message, packet: &[u8]) -> Result<Message, ExchangeError> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(packet).await?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let size = socket.recv(&mut buffer).await?;
        // Anything else is a late or a forged packet; the caller's deadline ends the wait.
        if let Some(answer) = Message::from_vec(&buffer[..size]).ok().filter(|m| answers(m, question)) {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message, packet: &[u8]) -> Result<Message, ExchangeError> {
    let mut stream = TcpStream::connect(server).await?;
    framing::write(&mut stream, packet).await?;
    let answer =
        framing::read(&mut stream).await?.ok_or(io::ErrorKind::UnexpectedEof).map_err(io::Error::from)?;
    let answer = Message::from_vec(&answer).map_err(|e| ExchangeError::Garbled(e.to_string()))?;
    if answers(&answer, question) { Ok(answer) } else { Err(ExchangeError::Garbled("another answer".into())) }
}

fn answers(answer: &Message, question: &Message) -> bool {
    answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries
}

impl Errand {
    fn message(&self) -> Message {
        let mut message = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.checking_disabled = self.checking_disabled;
        message.add_query(self.query.clone());
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN).set_dnssec_ok(self.dnssec);
        message.set_edns(edns);
        message
    }
}
