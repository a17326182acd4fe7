use super::Engine;
use crate::gossip::GossipError;
use crate::gossip::digest::Digest;
use crate::gossip::member::{Generation, Intent};
use crate::gossip::message::Message;
use crate::gossip::peer::Peer;
use crate::gossip::timers::Due;
use crate::model::NodeName;
use foca::State;
use rand::RngExt;
use rand::seq::IteratorRandom;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// Who answered a join.
pub(in crate::gossip) type Joined = Result<NodeName, GossipError>;

/// A greeting that is not answered yet.
pub(super) struct Join {
    address: SocketAddr,
    tries: u32,
    refused: bool,
    /// Nobody waits when it was the engine's own idea.
    reply: Option<oneshot::Sender<Joined>>,
}

const AGAIN: Duration = Duration::from_millis(500);
const MOST_TRIES: u32 = 6;
/// Most greetings under way.
const MOST_JOINS: usize = 256;

impl Engine {
    /// Greets whoever listens at an address.
    pub fn join(&mut self, now: Duration, address: SocketAddr, reply: oneshot::Sender<Joined>) {
        self.now = now;
        self.greet(Join { address, tries: 0, refused: false, reply: Some(reply) });
    }

    fn greet(&mut self, join: Join) {
        if self.joins.len() >= MOST_JOINS {
            return;
        }
        let token = self.rng.random();
        self.joins.insert(token, join);
        self.join_again(token);
    }

    pub(super) fn join_again(&mut self, token: u64) {
        let Some(join) = self.joins.get_mut(&token) else { return };
        let address = join.address;
        join.tries += 1;
        if join.tries > MOST_TRIES || (join.reply.is_none() && join.tries > 1) {
            return self.answer(token, |join| Err(join.in_vain()));
        }
        let hello = Message::Hello { token, from: self.own() };
        self.send(address, &hello);
        self.timers.add(self.now + AGAIN, Due::Join(token));
    }

    fn answer(&mut self, token: u64, joined: impl FnOnce(&Join) -> Joined) {
        let Some(mut join) = self.joins.remove(&token) else { return };
        if let Some(reply) = join.reply.take() {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(joined(&join));
        }
    }

    /// Believed no further than that it explains why no answer comes.
    pub(super) fn refused_by(&mut self, address: SocketAddr) {
        for join in self.joins.values_mut().filter(|join| join.address == address) {
            join.refused = true;
        }
    }

    pub(super) fn hello(&mut self, from: SocketAddr, token: u64, peer: &Peer) {
        if peer.address() == self.own().address() && peer.member().id == self.own().member().id {
            return self.answer(token, |join| Err(GossipError::Itself { address: join.address }));
        }
        let answer = match self.objection(peer) {
            Some(reason) => Message::Unwelcome { token, reason },
            None => Message::Welcome { token, from: self.own(), heard: self.heard_of(peer) },
        };
        self.send(from, &answer);
    }

    fn objection(&self, peer: &Peer) -> Option<String> {
        let own = self.own();
        let (ours, theirs) = (own.member(), peer.member());
        if ours.datacenter != theirs.datacenter && !self.tuning.across_datacenters {
            let (ours, theirs) = (&ours.datacenter, &theirs.datacenter);
            return Some(format!("it is of datacenter {ours}, and this agent of {theirs}"));
        }
        if ours.gossip() == theirs.gossip() {
            return Some(format!("it has the address that this agent advertises, {}", ours.gossip()));
        }
        None
    }

    /// The life that a newcomer has to be later than, if it is not.
    fn heard_of(&self, peer: &Peer) -> Option<Generation> {
        let known = self.known(peer.address())?;
        let same = known.id() == peer;
        let ended = known.state() == State::Down && (same || known.id().intent() > Intent::Stay);
        let later = foca::Identity::win_addr_conflict(known.id(), peer) && !same;
        (later || (ended && same)).then(|| known.id().generation())
    }

    pub(super) fn welcome(&mut self, token: u64, peer: &Peer, heard: Option<Generation>) {
        if !self.joins.contains_key(&token) {
            return;
        }
        if let Some(heard) = heard {
            self.rise_above(heard);
        }
        let to = peer.clone();
        self.foca(|foca, outcome| foca.announce(to, outcome));
        self.ask(peer.address());
        self.exchange_soon();
        let name = peer.member().name.clone();
        self.answer(token, |_| Ok(name));
    }

    pub(super) fn unwelcome(&mut self, token: u64, reason: String) {
        self.answer(token, |join| Err(GossipError::Refused { address: join.address, reason }));
    }

    /// Begins a later life than one that others have heard of.
    pub(super) fn rise_above(&mut self, heard: Generation) {
        self.ears.heard.note(heard);
        if heard >= self.own().generation() {
            self.renew();
        }
    }

    /// Tells what it knows in short, and has the other tell what it knows besides.
    pub(super) fn ask(&mut self, address: SocketAddr) {
        let compare = Message::Compare { answer: false, digest: Box::new(self.digest()) };
        self.send(address, &compare);
    }

    pub(super) fn digest(&self) -> Digest {
        let own = foca::Member::alive(self.own());
        Digest::of(self.foca.iter_members().chain([&own]))
    }

    /// Greets one of those that failed: it may be back, or have been elsewhere all the time.
    pub(super) fn reconnect(&mut self) {
        let again = self.jittered(self.tuning.reconnect_interval);
        self.timers.add(again, Due::Reconnect);
        if self.life != super::Life::Running {
            return;
        }
        let failed = self.foca.iter_membership_state().filter(|member| {
            member.state() == State::Down
                && member.id().intent() == Intent::Stay
                && member.id().address() != self.foca.identity().address()
        });
        let chosen = failed.map(|member| member.id().address()).choose(&mut self.rng);
        if let Some(address) = chosen {
            self.greet(Join { address, tries: 0, refused: false, reply: None });
        }
    }
}

impl Join {
    fn in_vain(&self) -> GossipError {
        let seconds = (AGAIN * MOST_TRIES).as_secs();
        match self.refused {
            true => GossipError::OtherKeys { address: self.address },
            false => GossipError::NoAnswer { address: self.address, seconds },
        }
    }
}
