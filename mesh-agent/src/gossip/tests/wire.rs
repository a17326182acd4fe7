use super::super::codec::{Ears, PeerCodec};
use super::super::digest::{BUCKETS, Digest};
use super::super::member::{Card, Generation, Intent, MOST_CARD};
use super::super::message::{Message, Order, OrderResult};
use super::super::peer::{Heard, Peer};
use super::*;
use bytes::BufMut;
use foca::{Codec as _, Header};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn own() -> SocketAddr {
    "10.0.0.1:8301".parse().unwrap()
}

fn codec() -> (PeerCodec, Arc<Ears>) {
    let ears = Ears::new(own(), Arc::new(Heard::default()));
    let ears = Arc::new(ears);
    (PeerCodec::new(10, ears.clone()), ears)
}

fn peer(name: &str, port: u16) -> Peer {
    let member = member(name, SocketAddr::from(([10, 0, 0, 1], port)));
    let generation = Generation { born: 77, renewal: 3 };
    Peer::new(Card { member, generation, intent: Intent::Stay }).unwrap()
}

fn messages() -> Vec<Message> {
    let (a, b) = (peer("a", 1), peer("b", 2));
    let told = vec![foca::Member::alive(a.clone()), foca::Member::down(b.clone())];
    let result = OrderResult {
        keys: vec!["k".to_owned(); 16],
        error: Some("no".to_owned()),
        of: Some("[fd00::1]:8301".parse().unwrap()),
    };
    vec![
        Message::Hello { token: 1, from: a.clone() },
        Message::Welcome { token: 2, from: a.clone(), heard: None },
        Message::Welcome { token: 2, from: a.clone(), heard: Some(b.generation()) },
        Message::Unwelcome { token: 3, reason: "because".to_owned() },
        Message::Compare { answer: true, digest: Box::new(Digest([9; BUCKETS])) },
        Message::Tell(told),
        Message::Doubted { from: b, generation: a.generation() },
        Message::Order { id: 4, order: Order::Use("key".to_owned()) },
        Message::Done { id: 5, result },
    ]
}

#[test]
fn messages_come_out_as_they_went_in() {
    let (mut codec, _) = codec();
    for message in messages() {
        assert_eq!(Message::decode(&mut codec, &message.encode()).unwrap(), message);
    }
}

#[test]
fn cut_and_changed_messages_are_errors_or_other_messages_and_never_more() {
    let (mut codec, _) = codec();
    let mut rng = StdRng::seed_from_u64(5);
    for message in messages() {
        let encoded = message.encode();
        for cut in 0..encoded.len() {
            let _ = Message::decode(&mut codec, &encoded[..cut]);
        }
        for _ in 0..2000 {
            let mut changed = encoded.clone();
            let at = rng.random_range(0..changed.len());
            changed[at] = rng.random();
            let _ = Message::decode(&mut codec, &changed);
        }
    }
    for _ in 0..2000 {
        let mut junk = vec![0; rng.random_range(0..1400)];
        rng.fill_bytes(&mut junk);
        let _ = Message::decode(&mut codec, &junk);
        let _ = codec.decode_header(&junk[..]);
        let _ = codec.decode_member(&junk[..]);
    }
}

#[test]
fn heads_come_out_as_they_went_in_and_do_not_overfill() {
    let (mut codec, _) = codec();
    let target = peer("t", 3);
    let kinds = [
        foca::Message::Ping(1),
        foca::Message::Ack(2),
        foca::Message::PingReq { target: target.clone(), probe_number: 3 },
        foca::Message::IndirectPing { origin: target.clone(), probe_number: 4 },
        foca::Message::IndirectAck { target: target.clone(), probe_number: 5 },
        foca::Message::ForwardedAck { origin: target, probe_number: 6 },
        foca::Message::Announce,
        foca::Message::Feed,
        foca::Message::Gossip,
        foca::Message::Broadcast,
        foca::Message::TurnUndead,
    ];
    for message in kinds {
        let header = Header { src: peer("a", 1), src_incarnation: 300, dst: peer("b", 2), message };
        let mut encoded = Vec::new();
        codec.encode_header(&header, &mut encoded).unwrap();
        assert_eq!(codec.decode_header(&encoded[..]).unwrap(), header);
        let room = encoded.len() - 1;
        assert!(codec.encode_header(&header, Vec::new().limit(room)).is_err());
    }
}

#[test]
fn the_own_address_in_other_lives_is_noticed_and_strangers_are_not_taken_when_full() {
    let (mut codec, ears) = codec();
    let card =
        Card { member: member("x", own()), generation: peer("a", 1).generation(), intent: Intent::Stay };
    let message = Message::Hello { token: 1, from: Peer::new(card).unwrap() }.encode();
    Message::decode(&mut codec, &message).unwrap();
    assert_eq!(ears.heard.above(Generation::default()), Generation { born: 77, renewal: 3 });
    ears.full.store(true, Ordering::Relaxed);
    assert!(Message::decode(&mut codec, &message).is_ok(), "who is known may still speak");
    assert!(Message::decode(&mut codec, &messages()[0].encode()).is_err());
}

#[test]
fn a_card_has_a_limit_and_says_so() {
    let mut long = member("a", own());
    long.tags.insert("k".to_owned(), "v".repeat(MOST_CARD));
    let error = Peer::new(Card { member: long, generation: Generation::default(), intent: Intent::Stay });
    assert!(error.unwrap_err().to_string().contains("shorten"));
}

#[test]
fn lives_and_intents_have_an_order_and_who_leaves_does_not_come_back() {
    use foca::Identity as _;
    let first = peer("a", 1);
    let next = first.renew().unwrap();
    let leaving = first.meaning(Intent::Leave);
    let pruned = first.meaning(Intent::Prune);
    let rising = [&first, &leaving, &pruned, &next];
    for (low, one) in rising.iter().enumerate() {
        for (high, other) in rising.iter().enumerate() {
            assert_eq!(one.win_addr_conflict(other), low > high, "{low} {high}");
        }
    }
    assert!(leaving.renew().is_none());
    let heard = Arc::new(Heard::default());
    let card = Card { member: member("x", own()), generation: first.generation(), intent: Intent::Stay };
    let me = Peer::own(card, heard.clone()).unwrap();
    heard.note(Generation { born: 1000, renewal: 9 });
    assert_eq!(me.renew().unwrap().generation(), Generation { born: 1000, renewal: 10 });
}
