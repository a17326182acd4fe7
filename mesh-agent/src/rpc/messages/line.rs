use super::frame::{self, Answer, Number};
use crate::pki::cluster::ClusterTls;
use crate::rpc::line::shake_hands;
use crate::rpc::peer::{Connection, Drive};
use crate::rpc::{RpcError, RpcLimits};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// Messages that wait for the connection; whoever has more waits too.
const OUTBOX: usize = 64;

/// One connection for messages.
#[derive(Clone)]
pub(super) struct MessageLine {
    outbox: mpsc::Sender<Message>,
}

/// What goes out, and where its answer goes.
struct Message {
    body: Bytes,
    answer: oneshot::Sender<Answer>,
}

impl Connection for MessageLine {
    fn is_open(&self) -> bool {
        !self.outbox.is_closed()
    }
}

impl MessageLine {
    /// `client` offers this protocol.
    pub(super) async fn dial(
        (peer, method): (SocketAddr, &'static str),
        (tls, client): (ClusterTls, Arc<ClientConfig>),
        limits: RpcLimits,
        drive: Drive,
    ) -> Result<Self, RpcError> {
        let stream = shake_hands(peer, &tls, client, &limits).await?;
        let frames = Framed::new(stream, frame::codec(limits.answer));
        let (outbox, messages) = mpsc::channel(OUTBOX);
        let carrier =
            Carrier { frames, messages, waiting: HashMap::new(), next: 0, heard: Instant::now(), limits };
        drive(Box::pin(async move {
            if let Err(error) = carrier.carry(method).await {
                tracing::debug!(%peer, method, %error, "the connection for messages to a peer broke");
            }
        }));
        Ok(Self { outbox })
    }

    /// Its answer; nothing where the connection breaks first.
    pub(super) async fn send(&self, body: Bytes) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        self.outbox.send(Message { body, answer }).await.ok()?;
        answered.await.ok()
    }
}

/// Moves the bytes of a connection.
struct Carrier {
    frames: Framed<TlsStream<TcpStream>, LengthDelimitedCodec>,
    messages: mpsc::Receiver<Message>,
    waiting: HashMap<Number, oneshot::Sender<Answer>>,
    next: Number,
    /// When the peer said something last, or there was nothing to say.
    heard: Instant,
    limits: RpcLimits,
}

impl Carrier {
    /// Until nobody wants to send any more, or the connection breaks: all who wait are told then.
    async fn carry(mut self, method: &'static str) -> io::Result<()> {
        self.frames.send(Bytes::from_static(method.as_bytes())).await?;
        loop {
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some(message) => self.send(message).await?,
                    None => return Ok(()),
                },
                frame = self.frames.next() => match frame {
                    Some(frame) => self.deliver(frame?)?,
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
            }
        }
    }

    /// With all others that are ready. The peer takes what it is sent while it answers, and answers are small: neither
    /// waits for the other to read.
    async fn send(&mut self, message: Message) -> io::Result<()> {
        self.check()?;
        self.put(message).await?;
        while let Ok(message) = self.messages.try_recv() {
            self.put(message).await?;
        }
        let flushed =
            tokio::time::timeout(self.limits.body_timeout, SinkExt::<Bytes>::flush(&mut self.frames)).await;
        flushed.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn put(&mut self, Message { body, answer }: Message) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, answer);
        self.frames.feed(frame::message(number, &body)).await
    }

    /// A peer that is silent though it was asked is taken for gone, and those who gave up waiting are forgotten.
    fn check(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            self.heard = Instant::now();
        } else if self.heard.elapsed() > self.limits.keep_alive + self.limits.keep_alive_timeout {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it answers nothing"));
        }
        if self.waiting.len() > OUTBOX {
            self.waiting.retain(|_, answer| !answer.is_closed());
        }
        Ok(())
    }

    fn deliver(&mut self, frame: BytesMut) -> io::Result<()> {
        self.heard = Instant::now();
        let (number, answer) = frame::open_answer(frame.freeze()).ok_or(io::ErrorKind::InvalidData)?;
        if let Some(asked) = self.waiting.remove(&number) {
            // Whoever has gone does not want to know.
            let _ = asked.send(answer);
        }
        Ok(())
    }
}
