use super::member::MOST_CARD;
use super::peer::{Heard, Peer};
use super::probes::{Probes, put_coordinate, take_coordinate};
use bytes::{Buf, BufMut};
use foca::{Header, Message, State};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How foca's messages look on the wire, with a memory of cards, so that each is decoded once.
pub(super) struct PeerCodec {
    cards: HashMap<Box<[u8]>, Peer>,
    most: usize,
    scratch: Vec<u8>,
    ears: Arc<Ears>,
}

/// What the engine and its codec, which foca owns, tell each other.
#[derive(Debug)]
pub(super) struct Ears {
    pub own: SocketAddr,
    pub heard: Arc<Heard>,
    /// There are as many members as there may be.
    pub full: AtomicBool,
    pub probes: Probes,
}

impl Ears {
    pub fn new(own: SocketAddr, heard: Arc<Heard>) -> Self {
        Self { own, heard, full: AtomicBool::new(false), probes: Probes::default() }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    #[error("the datagram has no room for more")]
    NoRoom,
    #[error("the datagram ends too early")]
    Short,
    #[error("unknown {what} {found}")]
    Unknown { what: &'static str, found: u8 },
    #[error("a member's card is not one: {0}")]
    Card(#[from] rmp_serde::decode::Error),
    #[error("a member's card of {found} bytes")]
    LongCard { found: usize },
    #[error("there are too many members to add one more")]
    Full,
}

impl PeerCodec {
    pub fn new(most: usize, ears: Arc<Ears>) -> Self {
        Self { cards: HashMap::new(), most, scratch: Vec::new(), ears }
    }

    pub fn take_peer(&mut self, buf: &mut impl Buf) -> Result<Peer, CodecError> {
        let length = usize::from(take_u16(buf)?);
        if length > MOST_CARD {
            return Err(CodecError::LongCard { found: length });
        }
        let encoded = buf.chunk().get(..length).ok_or(CodecError::Short)?;
        let peer = self.peer(encoded)?;
        buf.advance(length);
        Ok(peer)
    }

    fn peer(&mut self, encoded: &[u8]) -> Result<Peer, CodecError> {
        if let Some(known) = self.cards.get(encoded) {
            return Ok(known.clone());
        }
        if self.ears.full.load(Ordering::Relaxed) {
            return Err(CodecError::Full);
        }
        let peer = Peer::decode(encoded)?;
        if peer.address() == self.ears.own {
            self.ears.heard.note(peer.generation());
        }
        if self.cards.len() >= self.most {
            self.cards.clear();
        }
        self.cards.insert(encoded.into(), peer.clone());
        Ok(peer)
    }

    fn give(&self, mut buf: impl BufMut) -> Result<(), CodecError> {
        if buf.remaining_mut() < self.scratch.len() {
            return Err(CodecError::NoRoom);
        }
        buf.put_slice(&self.scratch);
        Ok(())
    }
}

impl foca::Codec<Peer> for PeerCodec {
    type Error = CodecError;

    fn encode_header(&mut self, header: &Header<Peer>, buf: impl BufMut) -> Result<(), CodecError> {
        self.scratch.clear();
        put_peer(&mut self.scratch, &header.src);
        self.scratch.put_u16(header.src_incarnation);
        put_peer(&mut self.scratch, &header.dst);
        put_message(&mut self.scratch, &header.message);
        match header.message {
            Message::Ping(number) => self.ears.probes.asks(number, header.dst.address()),
            Message::Ack(_) => put_coordinate(&mut self.scratch, &self.ears.probes.place()),
            _ => {}
        }
        self.give(buf)
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Peer>, CodecError> {
        let src = self.take_peer(&mut buf)?;
        let src_incarnation = take_u16(&mut buf)?;
        let dst = self.take_peer(&mut buf)?;
        let message = self.take_message(&mut buf)?;
        if let Message::Ack(number) = message {
            self.ears.probes.answers(number, src.address(), take_coordinate(&mut buf)?);
        }
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(&mut self, member: &foca::Member<Peer>, buf: impl BufMut) -> Result<(), CodecError> {
        self.scratch.clear();
        put_member(&mut self.scratch, member);
        self.give(buf)
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<foca::Member<Peer>, CodecError> {
        let peer = self.take_peer(&mut buf)?;
        let incarnation = take_u16(&mut buf)?;
        let state = match take_u8(&mut buf)? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            found => return Err(CodecError::Unknown { what: "state", found }),
        };
        Ok(foca::Member::new(peer, incarnation, state))
    }
}

pub(super) fn put_peer(buf: &mut impl BufMut, peer: &Peer) {
    let encoded = peer.encoded();
    buf.put_u16(u16::try_from(encoded.len()).expect("a card is bounded"));
    buf.put_slice(encoded);
}

pub(super) fn put_member(buf: &mut impl BufMut, member: &foca::Member<Peer>) {
    put_peer(buf, member.id());
    buf.put_u16(member.incarnation());
    buf.put_u8(match member.state() {
        State::Alive => 0,
        State::Suspect => 1,
        State::Down => 2,
    });
}

fn put_message(buf: &mut impl BufMut, message: &Message<Peer>) {
    let (kind, peer, number) = match message {
        Message::Ping(number) => (0, None, Some(number)),
        Message::Ack(number) => (1, None, Some(number)),
        Message::PingReq { target, probe_number } => (2, Some(target), Some(probe_number)),
        Message::IndirectPing { origin, probe_number } => (3, Some(origin), Some(probe_number)),
        Message::IndirectAck { target, probe_number } => (4, Some(target), Some(probe_number)),
        Message::ForwardedAck { origin, probe_number } => (5, Some(origin), Some(probe_number)),
        Message::Announce => (6, None, None),
        Message::Feed => (7, None, None),
        Message::Gossip => (8, None, None),
        Message::Broadcast => (9, None, None),
        Message::TurnUndead => (10, None, None),
    };
    buf.put_u8(kind);
    if let Some(peer) = peer {
        put_peer(buf, peer);
    }
    if let Some(number) = number {
        buf.put_u8(*number);
    }
}

impl PeerCodec {
    fn take_message(&mut self, buf: &mut impl Buf) -> Result<Message<Peer>, CodecError> {
        Ok(match take_u8(buf)? {
            0 => Message::Ping(take_u8(buf)?),
            1 => Message::Ack(take_u8(buf)?),
            2 => Message::PingReq { target: self.take_peer(buf)?, probe_number: take_u8(buf)? },
            3 => Message::IndirectPing { origin: self.take_peer(buf)?, probe_number: take_u8(buf)? },
            4 => Message::IndirectAck { target: self.take_peer(buf)?, probe_number: take_u8(buf)? },
            5 => Message::ForwardedAck { origin: self.take_peer(buf)?, probe_number: take_u8(buf)? },
            6 => Message::Announce,
            7 => Message::Feed,
            8 => Message::Gossip,
            9 => Message::Broadcast,
            10 => Message::TurnUndead,
            found => return Err(CodecError::Unknown { what: "message", found }),
        })
    }
}

pub(super) fn take_f32(buf: &mut impl Buf) -> Result<f32, CodecError> {
    buf.try_get_f32().map_err(|_| CodecError::Short)
}

fn take_u8(buf: &mut impl Buf) -> Result<u8, CodecError> {
    buf.try_get_u8().map_err(|_| CodecError::Short)
}

fn take_u16(buf: &mut impl Buf) -> Result<u16, CodecError> {
    buf.try_get_u16().map_err(|_| CodecError::Short)
}
