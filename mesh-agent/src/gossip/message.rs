use super::codec::{PeerCodec, put_member, put_peer};
use super::digest::{BUCKETS, Digest};
use super::member::Generation;
use super::peer::Peer;
use bytes::{Buf, BufMut};
use foca::Codec;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What is inside a sealed datagram.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// foca's own.
    Foca(Vec<u8>),
    /// "Who are you? I am this, and would like to join."
    Hello { token: u64, from: Peer },
    /// "I am this. Of your address I have heard of that life, and think that it has ended."
    Welcome { token: u64, from: Peer, heard: Option<Generation> },
    /// "I am not one whom you could join."
    Unwelcome { token: u64, reason: String },
    /// "This is the sum of what I know."
    Compare { answer: bool, digest: Box<Digest> },
    /// "This is what I know of the buckets that differ."
    Tell(Vec<foca::Member<Peer>>),
    /// "Somebody believes that you are dead in that life: contradict."
    Doubted { from: Peer, generation: Generation },
    /// "Do this to your keyring."
    Order { id: u64, order: Order },
    /// "I have", or why not, and the keys that there are now.
    Done { id: u64, result: OrderResult },
}

/// What is asked of everybody's keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    List,
    Install(String),
    Use(String),
    Remove(String),
}

/// A member's keyring, the primary first, after an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OrderResult {
    pub keys: Vec<String>,
    pub error: Option<String>,
    /// What the member is known by, which need not be where its datagrams come from.
    #[serde(default)]
    pub of: Option<SocketAddr>,
}

#[derive(Debug, thiserror::Error)]
#[error("a message of kind {kind} that cannot be understood")]
pub(super) struct MessageError {
    kind: u8,
}

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let mut buf = Vec::new();
        match self {
            Self::Foca(data) => return foca(data),
            Self::Hello { token, from } => {
                buf.put_u8(1);
                buf.put_u64(*token);
                put_peer(&mut buf, from);
            }
            Self::Welcome { token, from, heard } => {
                buf.put_u8(2);
                buf.put_u64(*token);
                put_peer(&mut buf, from);
                put_value(&mut buf, heard);
            }
            Self::Unwelcome { token, reason } => {
                buf.put_u8(3);
                put_value(&mut buf, &(token, reason));
            }
            Self::Compare { answer, digest } => {
                buf.put_u8(4);
                buf.put_u8(u8::from(*answer));
                digest.0.iter().for_each(|sum| buf.put_u64(*sum));
            }
            Self::Tell(members) => {
                buf.put_u8(5);
                members.iter().for_each(|member| put_member(&mut buf, member));
            }
            Self::Doubted { from, generation } => {
                buf.put_u8(6);
                put_peer(&mut buf, from);
                put_value(&mut buf, generation);
            }
            Self::Order { id, order } => {
                buf.put_u8(7);
                put_value(&mut buf, &(id, order));
            }
            Self::Done { id, result } => {
                buf.put_u8(8);
                put_value(&mut buf, &(id, result));
            }
        }
        buf
    }

    pub fn decode(codec: &mut PeerCodec, mut buf: &[u8]) -> Result<Self, MessageError> {
        let kind = buf.try_get_u8().map_err(|_| MessageError { kind: u8::MAX })?;
        body(codec, kind, buf).ok_or(MessageError { kind })
    }
}

/// foca's own, from where it lies.
pub(super) fn foca(data: &[u8]) -> Vec<u8> {
    let mut buf = Vec::with_capacity(1 + data.len());
    buf.put_u8(0);
    buf.put_slice(data);
    buf
}

fn body(codec: &mut PeerCodec, kind: u8, mut buf: &[u8]) -> Option<Message> {
    Some(match kind {
        0 => Message::Foca(buf.to_vec()),
        1 => Message::Hello { token: buf.try_get_u64().ok()?, from: codec.take_peer(&mut buf).ok()? },
        2 => {
            let (token, from) = (buf.try_get_u64().ok()?, codec.take_peer(&mut buf).ok()?);
            Message::Welcome { token, from, heard: value(buf)? }
        }
        3 => {
            let (token, reason) = value(buf)?;
            Message::Unwelcome { token, reason }
        }
        4 => Message::Compare { answer: buf.try_get_u8().ok()? == 1, digest: Box::new(digest(buf)?) },
        5 => Message::Tell(members(codec, buf)?),
        6 => Message::Doubted { from: codec.take_peer(&mut buf).ok()?, generation: value(buf)? },
        7 => {
            let (id, order) = value(buf)?;
            Message::Order { id, order }
        }
        8 => {
            let (id, result) = value(buf)?;
            Message::Done { id, result }
        }
        _ => return None,
    })
}

fn digest(mut buf: &[u8]) -> Option<Digest> {
    let mut sums = [0; BUCKETS];
    for sum in &mut sums {
        *sum = buf.try_get_u64().ok()?;
    }
    buf.is_empty().then_some(Digest(sums))
}

fn members(codec: &mut PeerCodec, mut buf: &[u8]) -> Option<Vec<foca::Member<Peer>>> {
    let mut members = Vec::new();
    while !buf.is_empty() {
        members.push(codec.decode_member(&mut buf).ok()?);
    }
    Some(members)
}

fn put_value(buf: &mut Vec<u8>, value: &impl Serialize) {
    buf.put_slice(&rmp_serde::to_vec(value).expect("plain values can be encoded"));
}

fn value<T: for<'de> Deserialize<'de>>(buf: &[u8]) -> Option<T> {
    rmp_serde::from_slice(buf).ok()
}
