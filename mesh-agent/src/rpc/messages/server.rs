use super::frame::{self, Answer, Number};
use crate::rpc::RpcLimits;
use crate::rpc::service::Service;
use crate::task::{Shutdown, attended, expected};
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// The longest name of a method, in bytes.
const NAME: usize = 64;
/// The longest answer, in bytes. What takes more is no message but a call.
const ANSWER: usize = 64 << 10;

type Frames = Framed<TlsStream<TcpStream>, LengthDelimitedCodec>;

/// Answers the messages of one connection, several at a time, until the peer goes or shutdown begins.
pub(in crate::rpc) async fn serve(
    stream: TlsStream<TcpStream>,
    service: Arc<Service>,
    limits: RpcLimits,
    shutdown: Shutdown,
) -> io::Result<()> {
    let mut frames = Framed::new(stream, frame::codec(NAME));
    let named = tokio::time::timeout(limits.handshake_timeout, frames.next()).await;
    let Some(name) = named.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? else { return Ok(()) };
    let method = String::from_utf8(name?.to_vec()).map_err(|_| io::ErrorKind::InvalidData)?;
    let most = service.most(&method);
    *frames.codec_mut() = frame::codec(most.max(ANSWER));
    let at_once = usize::try_from(limits.streams).unwrap_or(usize::MAX);
    Answering { frames, service, method: method.into(), most, at_once }.run(shutdown).await
}

struct Answering {
    frames: Frames,
    service: Arc<Service>,
    method: Arc<str>,
    /// The most bytes of a message; 0 where the peer may send none.
    most: usize,
    /// Messages.
    at_once: usize,
}

impl Answering {
    async fn run(mut self, shutdown: Shutdown) -> io::Result<()> {
        let mut answers = FuturesUnordered::new();
        loop {
            tokio::select! {
                frame = self.frames.next(), if answers.len() < self.at_once => match frame {
                    Some(frame) => answers.push(self.answer(frame?.freeze())?),
                    None => return Ok(()),
                },
                Some(answer) = answers.next() => {
                    self.frames.feed(answer).await?;
                    while let Some(Some(answer)) = answers.next().now_or_never() {
                        self.frames.feed(answer).await?;
                    }
                    SinkExt::<Bytes>::flush(&mut self.frames).await?;
                }
                () = shutdown.begun() => return Ok(()),
            }
        }
    }

    fn answer(&self, frame: Bytes) -> io::Result<impl Future<Output = Bytes> + use<>> {
        let (number, body) = frame::open_message(frame).ok_or(io::ErrorKind::InvalidData)?;
        Ok(answered(self.service.clone(), (self.method.clone(), self.most), number, body))
    }
}

async fn answered(
    service: Arc<Service>,
    (method, most): (Arc<str>, usize),
    number: Number,
    body: Bytes,
) -> Bytes {
    let said = match attended(expected(service.message(&method, most, body))).await {
        Ok(answer) if answer.len() > ANSWER => {
            Answer::Refused("the answer is too large for a message".into())
        }
        Ok(answer) => Answer::Given(answer),
        Err(refusal) => Answer::Refused(refusal.reason.into()),
    };
    frame::answer(number, &said)
}
