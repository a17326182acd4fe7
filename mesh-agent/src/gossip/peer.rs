use super::GossipError;
use super::member::{Card, Generation, Intent, Member};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// A member as foca knows it: cheap to clone and to compare.
///
/// Its key is the address of its gossip, which two processes cannot share. Names are not keys here: two members
/// of one name are two members, and [`super::roster`] decides whose the name is, so that they do not kill each other.
#[derive(Clone)]
pub(super) struct Peer(Arc<Inner>);

struct Inner {
    card: Card,
    address: SocketAddr,
    encoded: Box<[u8]>,
    fingerprint: u64,
    /// Of this node's own identity only: the highest generation that anybody has claimed for it.
    heard: Option<Arc<Heard>>,
}

impl Peer {
    pub fn new(card: Card) -> Result<Self, GossipError> {
        let encoded = card.encode()?;
        Ok(Self::with(card, encoded.into(), None))
    }

    /// This node itself.
    pub fn own(card: Card, heard: Arc<Heard>) -> Result<Self, GossipError> {
        let encoded = card.encode()?;
        Ok(Self::with(card, encoded.into(), Some(heard)))
    }

    /// From the bytes of somebody else's.
    pub fn decode(encoded: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        let card: Card = rmp_serde::from_slice(encoded)?;
        Ok(Self::with(card, encoded.into(), None))
    }

    fn with(card: Card, encoded: Box<[u8]>, heard: Option<Arc<Heard>>) -> Self {
        let digest = Sha256::digest(&encoded);
        let fingerprint = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes of 32"));
        Self(Arc::new(Inner { address: card.member.gossip(), card, encoded, fingerprint, heard }))
    }

    pub fn member(&self) -> &Member {
        &self.0.card.member
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn generation(&self) -> Generation {
        self.0.card.generation
    }

    pub fn intent(&self) -> Intent {
        self.0.card.intent
    }

    pub fn encoded(&self) -> &[u8] {
        &self.0.encoded
    }

    /// The same on every node, and different for another card.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// The same member meaning something else.
    pub fn meaning(&self, intent: Intent) -> Self {
        self.changed(Card { intent, ..self.0.card.clone() })
    }

    /// The next life of this member.
    pub fn renewed(&self) -> Self {
        let above = self.0.heard.as_ref().map_or(self.generation(), |heard| heard.above(self.generation()));
        self.changed(Card { generation: above.next(), ..self.0.card.clone() })
    }

    /// The next life, with other things to say.
    pub fn saying(&self, member: Member) -> Result<Self, GossipError> {
        let card = Card { member, generation: self.renewed().generation(), intent: self.intent() };
        match &self.0.heard {
            Some(heard) => Self::own(card, heard.clone()),
            None => Self::new(card),
        }
    }

    fn changed(&self, card: Card) -> Self {
        let encoded = rmp_serde::to_vec(&card).expect("a card has nothing that cannot be encoded");
        Self::with(card, encoded.into(), self.0.heard.clone())
    }
}

impl Generation {
    fn next(self) -> Self {
        match self.renewal.checked_add(1) {
            Some(renewal) => Self { renewal, ..self },
            None => Self { born: self.born.saturating_add(1), renewal: 0 },
        }
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.fingerprint == other.0.fingerprint && self.0.encoded == other.0.encoded)
    }
}

impl Eq for Peer {}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Generation { born, renewal } = self.generation();
        write!(f, "{} at {} ({born}.{renewal})", self.member().name, self.address())
    }
}

impl foca::Identity for Peer {
    type Addr = SocketAddr;

    /// Who means to leave does not contradict his death.
    fn renew(&self) -> Option<Self> {
        (self.intent() == Intent::Stay).then(|| self.renewed())
    }

    fn addr(&self) -> SocketAddr {
        self.0.address
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        let rank = |peer: &Self| (peer.generation(), peer.intent(), peer.fingerprint());
        rank(self) > rank(adversary)
    }
}

/// The highest generation that others have named for this node's address.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Generation>);

impl Heard {
    pub fn note(&self, generation: Generation) {
        let mut highest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *highest = highest.max(generation);
    }

    /// The higher of the two.
    pub fn above(&self, generation: Generation) -> Generation {
        generation.max(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
