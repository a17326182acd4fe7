mod exchange;
mod farewell;
mod joins;
mod orders;
mod outcome;
mod review;

#[cfg(test)]
pub(super) use exchange::{Verdict, judge};
pub(super) use joins::Joined;
pub(super) use orders::OrderReport;

use super::codec::{Ears, PeerCodec};
use super::keyring::KeyringFile;
use super::member::{Card, Generation, Intent};
use super::message::{self, Message};
use super::peer::{Heard, Peer};
use super::roster::{Members, Roster};
use super::rumours::{Rumours, UserEvent};
use super::seal::{OVERHEAD, Opened, Seal, Unopened, refusal};
use super::timers::{Due, Timers};
use super::tuning::{MOST_DATAGRAM, Tuning};
use super::{GossipError, Keyring, Member};
use crate::clock::Clock;
use crate::coordinate::Survey;
use crate::model::Coordinate;
use foca::Foca;
use joins::Join;
use orders::Operation;
use outcome::Outcome;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Everything that an engine is made of.
pub(super) struct Parts {
    pub member: Member,
    pub keyring: Keyring,
    pub file: KeyringFile,
    pub tuning: Tuning,
    pub clock: Clock,
    pub seed: [u8; 32],
    pub events: mpsc::Sender<UserEvent>,
}

/// Decides what follows from each datagram, command and moment. It opens no socket, reads no monotonic clock and
/// starts no task: what is to be sent waits in an outbox, and what is to be done later in [`Timers`].
pub(super) struct Engine {
    foca: Foca<Peer, PeerCodec, StdRng, Rumours>,
    outcome: Outcome,
    codec: PeerCodec,
    ears: Arc<Ears>,
    seal: Seal,
    file: KeyringFile,
    timers: Timers,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
    rng: StdRng,
    now: Duration,
    clock: Clock,
    tuning: Tuning,
    roster: Roster,
    members: Arc<Members>,
    review_at: Duration,
    /// What the list was last made of.
    reviewed: (u64, Life, u64),
    exchange_at: Duration,
    /// How long until the next but one: short at first, when much may be missing.
    exchange_pause: Duration,
    joins: BTreeMap<u64, Join>,
    operations: BTreeMap<u64, Operation>,
    doubted: BTreeMap<SocketAddr, Peer>,
    /// Those that foca suspects, and since when.
    suspected: BTreeMap<SocketAddr, (Peer, Duration)>,
    survey: Survey<SocketAddr>,
    /// Where others have said that they stand, in a pool across datacenters: there are few of them.
    places: Arc<Places>,
    /// For directions alone, so that what is measured changes no other choice.
    compass: StdRng,
    refusals: (u64, u32),
    life: Life,
    pub counts: Counts,
}

/// Where members stand, by the addresses that they gossip at.
pub type Places = BTreeMap<SocketAddr, Coordinate>;

/// Whether the member still is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    Leaving,
    Left,
}

/// What happened so far, for metrics and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub received: u64,
    pub sent: u64,
    pub sent_bytes: u64,
    /// Not opened, for whatever reason.
    pub dropped: u64,
    pub replayed: u64,
    /// Opened and of no use.
    pub refused: u64,
}

/// The room for what foca writes into a datagram.
const ROOM: usize = MOST_DATAGRAM - OVERHEAD - 1;
/// Most refusals in a second.
const MOST_REFUSALS: u32 = 20;

impl Engine {
    pub fn new(parts: Parts) -> Result<Self, GossipError> {
        let mut rng = StdRng::from_seed(parts.seed);
        let heard = Arc::new(Heard::default());
        let ears = Arc::new(Ears::new(parts.member.gossip(), heard.clone()));
        let generation = Generation { born: parts.clock.now().millis(), renewal: 0 };
        let own = Peer::own(Card { member: parts.member, generation, intent: Intent::Stay }, heard)?;
        let most_cards = parts.tuning.most_members * 2;
        let foca = Foca::with_custom_broadcast(
            own,
            parts.tuning.foca(1, ROOM),
            StdRng::from_rng(&mut rng),
            PeerCodec::new(most_cards, ears.clone()),
            Rumours::new(parts.events),
        );
        let mut engine = Self {
            foca,
            outcome: Outcome::default(),
            codec: PeerCodec::new(most_cards, ears.clone()),
            ears,
            seal: Seal::new(parts.keyring, &mut rng),
            file: parts.file,
            timers: Timers::default(),
            outbox: Vec::new(),
            rng,
            now: Duration::ZERO,
            clock: parts.clock,
            tuning: parts.tuning,
            roster: Roster::default(),
            members: Arc::default(),
            review_at: Duration::MAX,
            reviewed: (0, Life::Running, u64::MAX),
            exchange_at: Duration::MAX,
            exchange_pause: Duration::ZERO,
            joins: BTreeMap::new(),
            operations: BTreeMap::new(),
            doubted: BTreeMap::new(),
            suspected: BTreeMap::new(),
            survey: Survey::default(),
            places: Arc::default(),
            compass: StdRng::from_seed(parts.seed),
            refusals: (0, 0),
            life: Life::Running,
            counts: Counts::default(),
        };
        engine.begin();
        Ok(engine)
    }

    fn begin(&mut self) {
        self.exchange_pause = self.tuning.exchange_interval;
        self.review();
        self.exchange_within(self.tuning.exchange_interval);
        let first = self.jittered(self.tuning.reconnect_interval);
        self.timers.add(first, Due::Reconnect);
    }

    pub fn life(&self) -> Life {
        self.life
    }

    /// Everybody it knows of. The same list until it changes.
    pub fn members(&self) -> &Arc<Members> {
        &self.members
    }

    pub fn keyring(&self) -> &Keyring {
        self.seal.keyring()
    }

    /// When [`Engine::tick`] is due.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// What is to be sent now.
    pub fn take_outbox(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        while let Some(due) = self.timers.pop(now) {
            self.carry_out(due);
        }
    }

    fn carry_out(&mut self, due: Due) {
        match due {
            Due::Foca(timer) => self.foca(|foca, outcome| foca.handle_timer(timer, outcome)),
            Due::Exchange => self.exchange(),
            Due::Reconnect => self.reconnect(),
            Due::Review if self.now >= self.review_at => self.review(),
            Due::Review => {}
            Due::Join(token) => self.join_again(token),
            Due::Operation(id) => self.order_again(id),
            Due::Doubt(peer) => self.give_up_on(&peer),
            Due::Farewell(count) => self.farewell(count),
            Due::Warn(address, peer) => self.warn(address, &peer),
        }
    }

    /// A datagram came.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        self.now = now;
        self.counts.received += 1;
        match self.seal.open(datagram) {
            Ok(Opened::Message(message)) => self.opened(from, &message),
            Ok(Opened::Refusal) => self.refused_by(from),
            Err(why) => self.unopened(from, datagram, why),
        }
    }

    fn unopened(&mut self, from: SocketAddr, datagram: &[u8], why: Unopened) {
        self.counts.dropped += 1;
        if why == Unopened::Replayed {
            self.counts.replayed += 1;
        }
        if why == Unopened::UnknownKey && self.may_refuse() {
            self.outbox.push((from, refusal(datagram)));
        }
    }

    fn may_refuse(&mut self) -> bool {
        let second = self.now.as_secs();
        if self.refusals.0 != second {
            self.refusals = (second, 0);
        }
        self.refusals.1 += 1;
        self.refusals.1 <= MOST_REFUSALS
    }

    fn opened(&mut self, from: SocketAddr, message: &[u8]) {
        if let [0, data @ ..] = message {
            return self.foca(|foca, outcome| foca.handle_data(data, outcome));
        }
        match Message::decode(&mut self.codec, message) {
            Ok(message) if self.life == Life::Running => self.handle(from, message),
            Ok(_) => {}
            Err(error) => self.of_no_use(&error),
        }
    }

    fn handle(&mut self, from: SocketAddr, message: Message) {
        match message {
            Message::Foca(_) => {}
            Message::Hello { token, from: peer } => self.hello(from, token, &peer),
            Message::Welcome { token, from: peer, heard } => self.welcome(token, &peer, heard),
            Message::Unwelcome { token, reason } => self.unwelcome(token, reason),
            Message::Compare { answer, digest } => self.compare(from, answer, &digest),
            Message::Tell(members) => self.told(members),
            Message::Doubted { from: peer, generation } => self.doubted(&peer, generation),
            Message::Order { id, order } => self.ordered(from, id, &order),
            Message::Done { id, result } => self.done(from, id, result),
        }
    }

    fn of_no_use(&mut self, error: &dyn std::error::Error) {
        self.counts.refused += 1;
        tracing::debug!(%error, "a gossip message was of no use");
    }

    fn send(&mut self, to: SocketAddr, message: &Message) {
        self.seal_and_send(to, &message.encode());
    }

    fn seal_and_send(&mut self, to: SocketAddr, message: &[u8]) {
        let datagram = self.seal.seal(message);
        self.counts.sent += 1;
        self.counts.sent_bytes += datagram.len() as u64;
        self.outbox.push((to, datagram));
    }

    /// Lets foca act, and carries out what follows.
    fn foca(
        &mut self,
        act: impl FnOnce(&mut Foca<Peer, PeerCodec, StdRng, Rumours>, &mut Outcome) -> Result<(), foca::Error>,
    ) {
        self.ears.probes.set_now(self.now);
        if let Err(error) = act(&mut self.foca, &mut self.outcome) {
            self.of_no_use(&error);
        }
        self.survey();
        let Outcome { sends, timers, news, back } = std::mem::take(&mut self.outcome);
        for (to, data) in sends {
            self.seal_and_send(to, &message::foca(&data));
        }
        for (after, timer) in timers {
            self.timers.add(self.now + after, Due::Foca(timer));
        }
        if news {
            self.review_soon();
        }
        if back {
            self.exchange_within(Duration::from_secs(1));
        }
    }

    /// What probes have measured moves this agent's place.
    fn survey(&mut self) {
        for trip in self.ears.probes.take() {
            let way = std::array::from_fn(|_| self.compass.random_range(-0.5..0.5));
            self.survey.measure(trip.to, &trip.place, trip.time, way);
            self.note_place(trip.to, trip.place);
            self.ears.probes.set_place(*self.survey.place());
        }
    }

    fn note_place(&mut self, of: SocketAddr, place: Coordinate) {
        if !self.tuning.across_datacenters || !place.is_valid() {
            return;
        }
        if self.places.len() >= self.tuning.most_members && !self.places.contains_key(&of) {
            self.places = Arc::default();
        }
        Arc::make_mut(&mut self.places).insert(of, place);
    }

    /// Where others have said that they stand. The same map until it changes.
    pub fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// Where this agent stands in the network.
    pub fn place(&self) -> &Coordinate {
        self.survey.place()
    }

    fn own(&self) -> Peer {
        self.foca.identity().clone()
    }

    /// What foca knows of an address.
    fn known(&self, address: SocketAddr) -> Option<&foca::Member<Peer>> {
        self.foca.iter_membership_state().find(|member| member.id().address() == address)
    }

    /// A moment about so far from now that others do not all choose the same.
    fn jittered(&mut self, interval: Duration) -> Duration {
        self.now + interval.mul_f64(self.rng.random_range(0.75..1.25))
    }

    /// Begins a new life, because somebody thinks that this one has ended.
    fn renew(&mut self) {
        let renewed = self.own().renewed();
        self.foca(|foca, outcome| foca.change_identity(renewed, outcome));
    }

    /// Tells others something new of itself.
    pub fn change(&mut self, now: Duration, member: Member) -> Result<(), GossipError> {
        self.now = now;
        if *self.own().member() != member {
            let changed = self.own().saying(member)?;
            self.foca(|foca, outcome| foca.change_identity(changed, outcome));
            self.review_soon();
        }
        Ok(())
    }

    /// Tells everybody.
    pub fn fire(&mut self, now: Duration, event: &UserEvent) -> Result<(), GossipError> {
        self.now = now;
        let bytes = event.encode()?;
        self.foca(|foca, outcome| {
            foca.add_broadcast(&bytes)?;
            foca.broadcast(outcome)
        });
        Ok(())
    }
}
