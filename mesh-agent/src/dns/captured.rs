//! Questions that were meant for another server and that the kernel sent here: what is in our zones is answered, and
//! everything else goes on to whom it was meant for, byte for byte, as its answer comes back.

use super::handler::Handler;
use super::passing;
use super::server::{BindError, Sockets};
use super::{Across, DnsOptions, framing};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::task::{Shutdown, TaskGroup};
use hickory_server::net::xfer::Protocol;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Whom a client asked, before its question was sent here.
pub trait Meant: Send + Sync {
    /// `here` is where it arrived.
    fn server(&self, udp: bool, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr>;
}

/// The door for such questions: at a loopback address of each family that there is, at ports that the system chose.
pub struct CapturedDns {
    sockets: Vec<Sockets>,
    desk: Arc<Desk>,
    connections: usize,
}

/// What every question is handled with.
struct Desk {
    handler: Handler,
    meant: Arc<dyn Meant>,
    waiting: Semaphore,
    deadline: Duration,
}

/// The largest datagram.
const DATAGRAM: usize = 65_535;
/// Answers on their way to one client.
const QUEUE: usize = 16;
/// How long to leave a socket alone that fails.
const PAUSE: Duration = Duration::from_millis(50);

impl CapturedDns {
    /// # Errors
    /// There is no socket to be had for IPv4. Where there is no IPv6, nobody asks by it.
    pub async fn bind(
        options: DnsOptions,
        catalog: Catalog,
        clock: Clock,
        across: Arc<dyn Across>,
        meant: Arc<dyn Meant>,
    ) -> Result<Self, BindError> {
        let mut sockets = vec![Sockets::bind((Ipv4Addr::LOCALHOST, 0).into()).await?];
        sockets.extend(Sockets::bind((Ipv6Addr::LOCALHOST, 0).into()).await.ok());
        let (connections, deadline) = (options.tcp_connections, options.tcp_deadline);
        let waiting = Semaphore::new(options.recursions_in_flight.min(Semaphore::MAX_PERMITS));
        let handler = Handler::new(options, catalog, clock, across);
        Ok(Self { sockets, desk: Arc::new(Desk { handler, meant, waiting, deadline }), connections })
    }

    /// The port of the loopback address.
    pub fn port(&self, loopback: IpAddr) -> Option<u16> {
        self.sockets.iter().find(|s| s.address.ip() == loopback).map(|s| s.address.port())
    }

    /// Serves until shutdown begins.
    pub async fn run(self, shutdown: Shutdown) {
        let mut tasks = TaskGroup::new();
        for Sockets { udp, tcp, .. } in self.sockets {
            tasks.spawn("captured-dns-udp", datagrams(udp, self.desk.clone(), shutdown.clone()));
            let connections = connections(tcp, self.desk.clone(), self.connections, shutdown.clone());
            tasks.spawn("captured-dns-tcp", connections);
        }
        shutdown.begun().await;
        tasks.finish().await;
    }
}

async fn datagrams(socket: UdpSocket, desk: Arc<Desk>, shutdown: Shutdown) {
    let (socket, mut questions, mut buffer) = (Arc::new(socket), TaskGroup::new(), vec![0; DATAGRAM]);
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = shutdown.begun() => return,
        };
        questions.reap();
        match received {
            Ok((size, client)) => {
                let (question, desk, socket) = (buffer[..size].to_vec(), desk.clone(), socket.clone());
                questions.spawn("captured-dns", async move {
                    if let Some(answer) = desk.answer_datagram(question, client, &socket).await {
                        let _ = socket.send_to(&answer, client).await; // The client may be gone.
                    }
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a client of the captured DNS socket went away");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connections(listener: TcpListener, desk: Arc<Desk>, most: usize, shutdown: Shutdown) {
    let mut clients = TaskGroup::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.begun() => return,
        };
        clients.reap();
        match accepted {
            Ok((stream, client)) if clients.len() < most => {
                let desk = desk.clone();
                clients.spawn("captured-dns-client", async move { desk.converse(stream, client).await });
            }
            Ok(_) => {
                tracing::warn!(limit = most, "a captured DNS client was turned away: too many are connected");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

impl Desk {
    async fn answer_datagram(
        &self,
        question: Vec<u8>,
        client: SocketAddr,
        socket: &UdpSocket,
    ) -> Option<Vec<u8>> {
        if !passing::is_question(&question) {
            return None;
        }
        let _permit = self.waiting.try_acquire().ok()?;
        if let Some(answer) = self.handler.answer_ours(&question, client, Protocol::Udp).await {
            return Some(answer);
        }
        let server = self.meant.server(true, client, socket.local_addr().ok()?);
        let Some(server) = server else {
            return self.handler.answer_any(&question, client, Protocol::Udp).await;
        };
        match timeout(self.deadline, passing::over_udp(server, &question)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%server, %error, "a foreign name's server cannot be reached");
                Some(passing::failure(&question))
            }
            Err(_) => None, // As from the server itself.
        }
    }

    /// Questions and answers in whatever order; ends when the client does, or when nothing happens any more.
    async fn converse(&self, stream: TcpStream, client: SocketAddr) {
        let Ok(here) = stream.local_addr() else { return };
        let (questions, mut stream) = stream.into_split();
        let (answers, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
        let (found, server) = mpsc::channel(1);
        let write = async {
            while let Some(answer) = queue.recv().await {
                if framing::write(&mut stream, &answer).await.is_err() {
                    return;
                }
            }
        };
        let server_side = passing::bring_back(server, answers.clone(), self.deadline);
        let ask = async {
            if let Err(error) = self.ask(questions, client, here, answers, found).await {
                tracing::debug!(%error, %client, "a captured DNS client's connection ended early");
            }
        };
        tokio::join!(ask, server_side, write);
    }

    async fn ask(
        &self,
        mut questions: OwnedReadHalf,
        client: SocketAddr,
        here: SocketAddr,
        answers: mpsc::Sender<Vec<u8>>,
        found: mpsc::Sender<OwnedReadHalf>,
    ) -> io::Result<()> {
        let mut upstream = None;
        loop {
            let question = timeout(self.deadline, framing::read(&mut questions)).await;
            let Some(question) = question.map_err(io::Error::other)?? else { return Ok(()) };
            let known = match self.handler.answer_ours(&question, client, Protocol::Tcp).await {
                None if upstream.is_none() => match self.meant.server(false, client, here) {
                    Some(server) => {
                        let connected = timeout(self.deadline, TcpStream::connect(server)).await;
                        let (read, write) = connected.map_err(io::Error::other)??.into_split();
                        upstream = Some(write);
                        found.send(read).await.map_err(io::Error::other)?;
                        None
                    }
                    None => self.handler.answer_any(&question, client, Protocol::Tcp).await,
                },
                known => known,
            };
            match (known, &mut upstream) {
                (Some(answer), _) => answers.send(answer).await.map_err(io::Error::other)?,
                (None, Some(server)) => framing::write(server, &question).await?,
                (None, None) => return Ok(()),
            }
        }
    }
}
