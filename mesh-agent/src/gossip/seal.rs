use super::replay::Window;
use super::{GossipKey, Keyring};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use rand::Rng;
use std::collections::HashMap;

/// Seals datagrams, and opens those of others.
///
/// Each sender seals under a key of its own, derived from the shared one and from a random session id, with a counter
/// as nonce: a key that a thousand agents share would otherwise see a random nonce twice before long, and a counter
/// shows what was sent before. On the wire: mark, kind, key id, session, counter (all authenticated), ciphertext, tag.
pub(super) struct Seal {
    keyring: Keyring,
    sender: Sender,
    sessions: HashMap<Session, Receiver>,
    uses: u64,
}

/// What a sealed datagram is longer by than what is in it.
pub(super) const OVERHEAD: usize = HEAD + TAG;

const HEAD: usize = 30;
const TAG: usize = 16;
const MARK: u8 = b'm';
const SEALED: u8 = 1;
const REFUSED: u8 = 0;
const REFUSAL: usize = 10;
/// Most senders remembered; of one forgotten, an old datagram would count as new.
const MOST_SESSIONS: usize = 20_000;

/// Which key, and which of its senders.
type Session = ([u8; 4], [u8; 16]);

struct Sender {
    session: Session,
    key: LessSafeKey,
    counter: u64,
}

struct Receiver {
    key: LessSafeKey,
    window: Window,
    used: u64,
}

/// What was in a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Message(Vec<u8>),
    /// Somebody could not open ours. Anybody can say so: it explains a failure and decides nothing.
    Refusal,
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// Not one of ours, or cut.
    Foreign,
    /// Sealed with a key that is not installed.
    UnknownKey,
    /// Changed on its way, or made by somebody without the key.
    Forged,
    /// Seen before, or too old to tell.
    Replayed,
}

impl Seal {
    pub fn new(keyring: Keyring, rng: &mut impl Rng) -> Self {
        let sender = Sender::new(keyring.primary(), rng);
        Self { keyring, sender, sessions: HashMap::new(), uses: 0 }
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// From now on these keys open, and the first of them seals. Sessions under removed keys end.
    pub fn replace(&mut self, keyring: Keyring, rng: &mut impl Rng) {
        if keyring.primary() != self.keyring.primary() {
            self.sender = Sender::new(keyring.primary(), rng);
        }
        let ids: Vec<[u8; 4]> = keyring.keys().iter().map(GossipKey::id).collect();
        self.sessions.retain(|session, _| ids.contains(&session.0));
        self.keyring = keyring;
    }

    pub fn seal(&mut self, message: &[u8]) -> Vec<u8> {
        self.sender.seal(message)
    }

    pub fn open(&mut self, datagram: &[u8]) -> Result<Opened, Unopened> {
        match *datagram.first_chunk::<2>().ok_or(Unopened::Foreign)? {
            [MARK, SEALED] if datagram.len() >= OVERHEAD => self.open_sealed(datagram).map(Opened::Message),
            [MARK, REFUSED] if datagram.len() == REFUSAL => Ok(Opened::Refusal),
            _ => Err(Unopened::Foreign),
        }
    }

    fn open_sealed(&mut self, datagram: &[u8]) -> Result<Vec<u8>, Unopened> {
        let (head, rest) = datagram.split_at(HEAD);
        let key_id: [u8; 4] = head[2..6].try_into().expect("four bytes");
        let id: [u8; 16] = head[6..22].try_into().expect("sixteen bytes");
        let counter = u64::from_be_bytes(head[22..30].try_into().expect("eight bytes"));
        let session = (key_id, id);
        self.uses += 1;
        if let Some(known) = self.sessions.get_mut(&session) {
            known.used = self.uses;
            return known.open(head, counter, rest);
        }
        let mut fresh = self.receiver(&session)?;
        let message = fresh.open(head, counter, rest)?;
        self.remember(session, fresh);
        Ok(message)
    }

    fn receiver(&self, session: &Session) -> Result<Receiver, Unopened> {
        let key = self.keyring.keys().iter().find(|key| key.id() == session.0).ok_or(Unopened::UnknownKey)?;
        Ok(Receiver { key: derive(key, &session.1), window: Window::default(), used: self.uses })
    }

    /// The sender that was silent for longest makes room.
    fn remember(&mut self, session: Session, receiver: Receiver) {
        if self.sessions.len() >= MOST_SESSIONS {
            let oldest = self.sessions.iter().min_by_key(|(_, receiver)| receiver.used);
            let oldest = *oldest.expect("there are many").0;
            self.sessions.remove(&oldest);
        }
        self.sessions.insert(session, receiver);
    }
}

/// Tells the sender of what could not be opened so; shorter than anything it answers.
pub(super) fn refusal(datagram: &[u8]) -> Vec<u8> {
    let end = datagram.len().saturating_sub(REFUSAL - 2);
    let mut refusal = vec![MARK, REFUSED];
    refusal.extend_from_slice(&datagram[end..]);
    refusal.resize(REFUSAL, 0);
    refusal
}

impl Sender {
    fn new(key: &GossipKey, rng: &mut impl Rng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self { session: (key.id(), id), key: derive(key, &id), counter: 0 }
    }

    fn seal(&mut self, message: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let mut datagram = Vec::with_capacity(OVERHEAD + message.len());
        datagram.extend_from_slice(&[MARK, SEALED]);
        datagram.extend_from_slice(&self.session.0);
        datagram.extend_from_slice(&self.session.1);
        datagram.extend_from_slice(&self.counter.to_be_bytes());
        datagram.extend_from_slice(message);
        let (head, body) = datagram.split_at_mut(HEAD);
        let tag = self.key.seal_in_place_separate_tag(nonce(self.counter), Aad::from(&*head), body);
        let tag = tag.expect("a datagram is far below the cipher's limit");
        datagram.extend_from_slice(tag.as_ref());
        datagram
    }
}

impl Receiver {
    fn open(&mut self, head: &[u8], counter: u64, rest: &[u8]) -> Result<Vec<u8>, Unopened> {
        if !self.window.is_new(counter) {
            return Err(Unopened::Replayed);
        }
        let mut message = rest.to_vec();
        let opened = self.key.open_in_place(nonce(counter), Aad::from(head), &mut message);
        let length = opened.map_err(|_| Unopened::Forged)?.len();
        message.truncate(length);
        self.window.note(counter);
        Ok(message)
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn derive(key: &GossipKey, session: &[u8; 16]) -> LessSafeKey {
    let secret = Salt::new(HKDF_SHA256, session).extract(key.secret());
    let derived = secret.expand(&[b"mesh gossip datagram"], &AES_256_GCM);
    let derived = derived.expect("a cipher's key is short enough to derive");
    LessSafeKey::new(UnboundKey::from(derived))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn seal(keyring: &Keyring, seed: u64) -> Seal {
        Seal::new(keyring.clone(), &mut StdRng::seed_from_u64(seed))
    }

    fn pair() -> (Seal, Seal) {
        let keyring = Keyring::new(GossipKey::generate());
        (seal(&keyring, 1), seal(&keyring, 2))
    }

    #[test]
    fn what_is_sealed_opens_once() {
        let (mut ours, mut theirs) = pair();
        let datagram = ours.seal(b"hello");
        assert_eq!(datagram.len(), 5 + OVERHEAD);
        assert!(!datagram.windows(5).any(|part| part == b"hello"));
        assert_eq!(theirs.open(&datagram), Ok(Opened::Message(b"hello".to_vec())));
        assert_eq!(theirs.open(&datagram), Err(Unopened::Replayed));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let (mut ours, mut theirs) = pair();
        let datagram = ours.seal(b"hello");
        for bit in 0..datagram.len() * 8 {
            let mut changed = datagram.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(theirs.open(&changed).is_err(), "bit {bit}");
        }
        for cut in 0..datagram.len() {
            assert!(theirs.open(&datagram[..cut]).is_err(), "cut at {cut}");
        }
        assert!(theirs.open(&datagram).is_ok(), "forgeries use up no counter");
    }

    #[test]
    fn late_is_taken_once_and_too_late_never() {
        let (mut ours, mut theirs) = pair();
        let datagrams: Vec<_> = (0..1000u32).map(|n| ours.seal(&n.to_be_bytes())).collect();
        for late in [999, 998, 900, 950] {
            assert!(theirs.open(&datagrams[late]).is_ok(), "{late}");
            assert_eq!(theirs.open(&datagrams[late]), Err(Unopened::Replayed), "{late}");
        }
        assert_eq!(theirs.open(&datagrams[0]), Err(Unopened::Replayed), "out of the window");
    }

    #[test]
    fn another_key_is_told_from_a_forgery_and_refused_shortly() {
        let (mut ours, _) = pair();
        let (_, mut stranger) = pair();
        let datagram = ours.seal(b"hello");
        assert_eq!(stranger.open(&datagram), Err(Unopened::UnknownKey));
        assert!(refusal(&datagram).len() < datagram.len());
        assert_eq!(ours.open(&refusal(&datagram)), Ok(Opened::Refusal));
    }

    #[test]
    fn keys_rotate_under_traffic() {
        let (old, new) = (GossipKey::generate(), GossipKey::generate());
        let ring = Keyring::new(old.clone());
        let (mut ours, mut theirs) = (seal(&ring, 1), seal(&ring, 2));
        let mut rng = StdRng::seed_from_u64(3);
        let both = ring.with(new.clone()).unwrap();
        theirs.replace(both.clone(), &mut rng);
        assert!(theirs.open(&ours.seal(b"old")).is_ok());
        ours.replace(both.using(&new).unwrap(), &mut rng);
        assert!(theirs.open(&ours.seal(b"new")).is_ok());
        assert!(ours.open(&theirs.seal(b"old")).is_ok());
        let last = theirs.seal(b"late");
        ours.replace(ours.keyring().without(&old).unwrap(), &mut rng);
        assert_eq!(ours.open(&last), Err(Unopened::UnknownKey));
    }

    #[test]
    fn anything_at_all_can_arrive() {
        let (_, mut theirs) = pair();
        let mut rng = StdRng::seed_from_u64(4);
        for length in 0..200 {
            let mut junk = vec![0; length];
            rng.fill_bytes(&mut junk);
            if length > 1 {
                junk[..2].copy_from_slice(&[MARK, SEALED]);
            }
            assert!(theirs.open(&junk).is_err());
        }
    }
}
