use super::{Engine, Life, ROOM};
use crate::gossip::codec::put_member;
use crate::gossip::digest::{Digest, bucket};
use crate::gossip::member::Generation;
use crate::gossip::message::Message;
use crate::gossip::peer::Peer;
use crate::gossip::timers::Due;
use foca::{Identity as _, Member, State};
use rand::seq::{IteratorRandom, SliceRandom};
use std::net::SocketAddr;
use std::time::Duration;

/// Most datagrams that one comparison is answered with; what they do not hold waits for the next.
const MOST_PAGES: usize = 16;
/// How soon two compare again after they differed.
const AGAIN: Duration = Duration::from_millis(500);
/// How soon a newcomer compares, at first.
const SOON: Duration = Duration::from_secs(1);
/// How soon a member is told again that it is believed dead.
const WARN_AGAIN: Duration = Duration::from_secs(1);
/// Most members doubted at a time.
const MOST_DOUBTED: usize = 4096;

/// What to make of what another agent says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gossip) enum Verdict {
    Nothing,
    /// A member that was not known.
    Learn,
    /// Later than what is known.
    Update,
    /// It says dead, and here the member lives: let the member say.
    Doubt,
    /// It says alive, and here the member is dead: let the member begin a new life.
    Revive,
}

/// Decides alone from what is known and what is told.
pub(in crate::gossip) fn judge(known: Option<&Member<Peer>>, told: &Member<Peer>) -> Verdict {
    let lives = |member: &Member<Peer>| member.state() != State::Down;
    match known {
        None if lives(told) => Verdict::Learn,
        // Who is dead and was never known is no news.
        None => Verdict::Nothing,
        Some(known) if known.id() == told.id() => match (lives(known), lives(told)) {
            (true, false) => Verdict::Doubt,
            (false, true) => Verdict::Revive,
            _ => Verdict::Nothing,
        },
        Some(known) if told.id().win_addr_conflict(known.id()) => Verdict::Update,
        Some(_) => Verdict::Nothing,
    }
}

impl Engine {
    /// The next comparison comes no later than this.
    pub(super) fn exchange_within(&mut self, interval: Duration) {
        let at = self.jittered(interval);
        if at < self.exchange_at || self.exchange_at <= self.now {
            self.exchange_at = at;
            self.timers.add(at, Due::Exchange);
        }
    }

    /// From now on it compares often, and then less and less: whoever welcomed it may be gone before it has told all.
    pub(super) fn exchange_soon(&mut self) {
        self.exchange_pause = SOON;
        self.exchange_within(SOON);
    }

    /// Compares with a member chosen at random.
    pub(super) fn exchange(&mut self) {
        if self.now < self.exchange_at {
            return;
        }
        self.exchange_within(self.exchange_pause);
        self.exchange_pause = (self.exchange_pause * 2).min(self.tuning.exchange_interval);
        let chosen = self.foca.iter_members().map(|member| member.id().address()).choose(&mut self.rng);
        if let Some(address) = chosen.filter(|_| self.life == Life::Running) {
            self.ask(address);
        }
    }

    /// Both sides tell what they know where they differ.
    pub(super) fn compare(&mut self, from: SocketAddr, answer: bool, theirs: &Digest) {
        let ours = self.digest();
        let differing = ours.differing(theirs);
        if differing == 0 {
            return;
        }
        if answer {
            self.exchange_within(AGAIN);
        } else {
            self.send(from, &Message::Compare { answer: true, digest: Box::new(ours) });
        }
        self.tell(from, differing);
    }

    fn tell(&mut self, to: SocketAddr, buckets: u64) {
        let own = Member::alive(self.own());
        let all = self.foca.iter_membership_state().chain([&own]);
        let mut members: Vec<Member<Peer>> =
            all.filter(|member| buckets & (1 << bucket(member.id())) != 0).cloned().collect();
        members.shuffle(&mut self.rng);
        for page in pages(members).into_iter().take(MOST_PAGES) {
            self.send(to, &Message::Tell(page));
        }
    }

    pub(super) fn told(&mut self, members: Vec<Member<Peer>>) {
        for told in members {
            if told.id().address() == self.own().address() {
                self.told_of_itself(&told);
            } else {
                let verdict = judge(self.known(told.id().address()), &told);
                self.act(verdict, told);
            }
        }
    }

    /// It lives, whatever others say.
    fn told_of_itself(&mut self, told: &Member<Peer>) {
        let own = self.own();
        let dead = *told.id() == own && told.state() == State::Down;
        if dead || told.id().win_addr_conflict(&own) {
            self.rise_above(told.id().generation());
        }
    }

    fn act(&mut self, verdict: Verdict, told: Member<Peer>) {
        match verdict {
            Verdict::Nothing => {}
            Verdict::Learn => self.apply(Member::alive(told.id().clone()), false),
            Verdict::Update => self.apply(told, true),
            Verdict::Doubt => self.doubt(told.id().clone()),
            Verdict::Revive => self.warn(told.id().address(), &told.id().clone()),
        }
    }

    pub(super) fn apply(&mut self, member: Member<Peer>, news: bool) {
        self.foca(|foca, outcome| foca.apply_many(std::iter::once(member), news, outcome));
        self.review_soon();
    }

    /// The member is told, and counts as dead if it does not begin a new life in time.
    pub(super) fn doubt(&mut self, peer: Peer) {
        let address = peer.address();
        if self.doubted.get(&address) == Some(&peer) || self.doubted.len() >= MOST_DOUBTED {
            return;
        }
        self.warn(address, &peer);
        self.timers.add(self.now + WARN_AGAIN, Due::Warn(address, peer.clone()));
        let patience = self.tuning.suspicion(self.foca.num_members() + 1);
        self.timers.add(self.now + patience, Due::Doubt(peer.clone()));
        self.doubted.insert(address, peer);
    }

    pub(super) fn warn(&mut self, address: SocketAddr, peer: &Peer) {
        let doubted = Message::Doubted { from: self.own(), generation: peer.generation() };
        self.send(address, &doubted);
    }

    pub(super) fn give_up_on(&mut self, peer: &Peer) {
        self.doubted.remove(&peer.address());
        let known = self.known(peer.address());
        if known.is_some_and(|known| known.id() == peer && known.state() != State::Down) {
            self.apply(Member::down(peer.clone()), true);
        }
    }

    /// Somebody believes that this node is dead.
    pub(super) fn doubted(&mut self, by: &Peer, generation: Generation) {
        self.rise_above(generation);
        let by = by.clone();
        self.foca(|foca, outcome| foca.announce(by, outcome));
    }
}

/// As many members to a datagram as fit.
fn pages(members: Vec<Member<Peer>>) -> Vec<Vec<Member<Peer>>> {
    let (mut pages, mut size) = (Vec::<Vec<_>>::new(), usize::MAX);
    for member in members {
        let mut encoded = Vec::new();
        put_member(&mut encoded, &member);
        if size.saturating_add(encoded.len()) > ROOM {
            pages.push(Vec::new());
            size = 0;
        }
        size += encoded.len();
        pages.last_mut().expect("one was just begun").push(member);
    }
    pages
}
