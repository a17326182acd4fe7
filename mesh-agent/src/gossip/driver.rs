use super::engine::{Engine, Joined, Life, OrderReport, Parts, Places};
use super::handle::{EVENTS, Gossip, Placed};
use super::keyring::KeyringFile;
use super::message::Order;
use super::roster::Members;
use super::rumours::UserEvent;
use super::snapshot::Snapshots;
use super::{GossipError, Keyring, Member, Transport, Tuning};
use crate::clock::Clock;
use crate::model::Coordinate;
use crate::task::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// What a member is made of.
pub struct GossipOptions {
    /// What it tells of itself.
    pub member: Member,
    pub keyring: Keyring,
    pub keyring_file: KeyringFile,
    pub snapshots: Snapshots,
    pub tuning: Tuning,
    pub clock: Clock,
    /// Of all its random choices.
    pub seed: [u8; 32],
}

/// Something that the rest of the agent wants done.
pub(super) enum Command {
    Join(SocketAddr, oneshot::Sender<Joined>),
    Leave(oneshot::Sender<()>),
    ForceLeave { name: String, prune: bool, reply: oneshot::Sender<Result<(), GossipError>> },
    Change(Box<Member>, oneshot::Sender<Result<(), GossipError>>),
    Order(Order, oneshot::Sender<OrderReport>),
    Fire(UserEvent, oneshot::Sender<Result<(), GossipError>>),
}

/// Brings together an engine that decides, a transport, and the clock.
pub struct Driver<T> {
    engine: Engine,
    transport: T,
    start: Instant,
    commands: mpsc::Receiver<Command>,
    members: watch::Sender<Arc<Members>>,
    place: watch::Sender<Coordinate>,
    places: watch::Sender<Arc<Places>>,
    snapshots: Snapshots,
    /// Those who wait until the farewells are said.
    leaving: Vec<oneshot::Sender<()>>,
    counted: super::engine::Counts,
}

/// Commands that wait.
const COMMANDS: usize = 64;
/// Datagrams that are looked at before what is due: an answer that has come already is not missed because this
/// process was slow to look.
const BATCH: usize = 64;
/// Larger than any datagram of ours, so that one cut by the system is not taken for whole.
const BUFFER: usize = 2048;
/// After the transport failed.
const PAUSE: Duration = Duration::from_millis(100);

impl<T: Transport> Driver<T> {
    /// A member, and the handle to it. It says nothing to anybody until [`Gossip::join`].
    ///
    /// # Errors
    /// What the member tells of itself does not fit into a datagram.
    pub fn new(options: GossipOptions, transport: T) -> Result<(Self, Gossip), GossipError> {
        let (events, user_events) = mpsc::channel(EVENTS);
        let (sender, commands) = mpsc::channel(COMMANDS);
        let GossipOptions { member, keyring, keyring_file: file, snapshots, tuning, clock, seed } = options;
        let engine = Engine::new(Parts { member, keyring, file, tuning, clock, seed, events })?;
        let (members, followed) = watch::channel(engine.members().clone());
        let start = Instant::now();
        let (place, placed) = watch::channel(*engine.place());
        let (places, all_placed) = watch::channel(engine.places().clone());
        let (leaving, counted) = (Vec::new(), engine.counts);
        let driver =
            Self { engine, transport, start, commands, members, place, places, snapshots, leaving, counted };
        let placed = Placed { own: placed, others: all_placed };
        Ok((driver, Gossip::new(sender, followed, placed, user_events)))
    }

    /// Until shutdown, or until it has left.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut buffer = [0; BUFFER];
        loop {
            self.flush();
            if self.engine.life() == Life::Left {
                break;
            }
            let deadline = self.engine.next_deadline().map(|at| self.start + at);
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                received = self.transport.receive(&mut buffer) => self.received(received, &mut buffer).await,
                Some(command) = self.commands.recv() => self.command(command),
                () = until(deadline) => {}
            }
            self.engine.tick(self.start.elapsed());
        }
        self.end();
    }

    /// That one, and those that have come by now.
    async fn received(&mut self, first: std::io::Result<(usize, SocketAddr)>, buffer: &mut [u8]) {
        let mut next = match first {
            Ok(received) => Some(received),
            Err(error) => {
                tracing::warn!(%error, "gossip cannot receive");
                tokio::time::sleep(PAUSE).await;
                None
            }
        };
        for _ in 0..BATCH {
            let Some((length, from)) = next else { break };
            self.engine.datagram(self.start.elapsed(), from, &buffer[..length]);
            next = self.transport.try_receive(buffer);
        }
        if let Some((length, from)) = next {
            self.engine.datagram(self.start.elapsed(), from, &buffer[..length]);
        }
    }

    /// Replies are for whoever still waits.
    fn command(&mut self, command: Command) {
        let now = self.start.elapsed();
        match command {
            Command::Join(address, reply) => self.engine.join(now, address, reply),
            Command::Leave(reply) => {
                self.leaving.push(reply);
                self.engine.leave(now);
            }
            Command::ForceLeave { name, prune, reply } => {
                let _ = reply.send(self.engine.force_leave(now, &name, prune));
            }
            Command::Change(member, reply) => {
                let _ = reply.send(self.engine.change(now, *member));
            }
            Command::Order(order, reply) => self.engine.order(now, order, reply),
            Command::Fire(event, reply) => {
                let _ = reply.send(self.engine.fire(now, &event));
            }
        }
    }

    fn flush(&mut self) {
        for (to, datagram) in self.engine.take_outbox() {
            self.transport.send(to, &datagram);
        }
        let members = self.engine.members();
        if !Arc::ptr_eq(members, &self.members.borrow()) {
            self.members.send_replace(members.clone());
            self.snapshots.note(members, self.start.elapsed());
        }
        let place = *self.engine.place();
        self.place.send_if_modified(|known| std::mem::replace(known, place) != place);
        if !Arc::ptr_eq(self.engine.places(), &self.places.borrow()) {
            self.places.send_replace(self.engine.places().clone());
        }
        self.count();
    }

    fn count(&mut self) {
        let (now, before) = (self.engine.counts, self.counted);
        metrics::counter!("gossip.received").increment(now.received - before.received);
        metrics::counter!("gossip.sent").increment(now.sent - before.sent);
        metrics::counter!("gossip.sent.bytes").increment(now.sent_bytes - before.sent_bytes);
        metrics::counter!("gossip.dropped").increment(now.dropped - before.dropped);
        metrics::counter!("gossip.refused").increment(now.refused - before.refused);
        self.counted = now;
    }

    fn end(mut self) {
        let left = self.engine.life() == Life::Left;
        self.snapshots.close(self.engine.members(), left);
        for reply in self.leaving.drain(..) {
            let _ = reply.send(());
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
