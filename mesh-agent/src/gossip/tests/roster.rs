use super::super::member::{Card, Generation, Intent};
use super::super::peer::Peer;
use super::super::roster::Roster;
use super::*;
use foca::State::{self, Alive, Down, Suspect};
use std::sync::Arc;

fn peer(name: &str, port: u16, born: u64, intent: Intent) -> Peer {
    let member = member(name, SocketAddr::from(([10, 0, 0, 1], port)));
    Peer::new(Card { member, generation: Generation { born, renewal: 0 }, intent }).unwrap()
}

fn list(roster: &mut Roster, peers: &[(Peer, State)], now: u64) -> Arc<Members> {
    let peers = peers.iter().map(|(peer, state)| (peer, *state));
    roster.list(peers, Timestamp(now), &Tuning::default())
}

#[test]
fn foca_and_intent_make_the_state() {
    let table = [
        (Alive, Intent::Stay, MemberState::Alive, 1),
        (Suspect, Intent::Stay, MemberState::Suspect, 1),
        (Down, Intent::Stay, MemberState::Failed, 4),
        (Alive, Intent::Leave, MemberState::Leaving, 2),
        (Suspect, Intent::Leave, MemberState::Leaving, 2),
        (Down, Intent::Leave, MemberState::Left, 3),
    ];
    for (state, intent, wanted, status) in table {
        let members = list(&mut Roster::default(), &[(peer("a", 1, 1, intent), state)], 0);
        let known = members.get("A").unwrap();
        assert_eq!((known.state, known.state.status()), (wanted, status), "{state:?} {intent:?}");
    }
    let pruned = list(&mut Roster::default(), &[(peer("a", 1, 1, Intent::Prune), Down)], 0);
    assert!(pruned.is_empty());
}

#[test]
fn a_name_is_the_oldest_living_ones_else_the_latest_deads() {
    type Case = (Vec<(u16, u64, State)>, u16, usize);
    let stay = Intent::Stay;
    let table: [Case; 5] = [
        (vec![(1, 10, Alive), (2, 20, Alive)], 1, 1),
        (vec![(1, 20, Alive), (2, 10, Suspect)], 2, 1),
        (vec![(1, 10, Down), (2, 20, Alive)], 2, 0),
        (vec![(1, 10, Alive), (2, 20, Down)], 1, 0),
        (vec![(1, 10, Down), (2, 20, Down)], 2, 0),
    ];
    for (entries, port, conflicts) in table {
        let peers: Vec<_> = entries.iter().map(|(p, b, s)| (peer("a", *p, *b, stay), *s)).collect();
        let members = list(&mut Roster::default(), &peers, 0);
        assert_eq!(members.get("a").unwrap().member.gossip_port, port, "{entries:?}");
        assert_eq!(members.conflicts().len(), conflicts, "{entries:?}");
    }
}

#[test]
fn a_state_has_the_time_at_which_it_began() {
    let mut roster = Roster::default();
    let (a, reborn) = (peer("a", 1, 1, Intent::Stay), peer("a", 1, 2, Intent::Stay));
    let steps = [
        (&a, Alive, 10, 10),
        (&a, Suspect, 20, 10),
        (&a, Down, 30, 30),
        (&a, Down, 40, 30),
        (&reborn, Alive, 50, 50),
    ];
    for (peer, state, now, since) in steps {
        let members = list(&mut roster, &[(peer.clone(), state)], now);
        assert_eq!(members.get("a").unwrap().since, Timestamp(since), "at {now}");
    }
}

#[test]
fn one_that_left_is_forgotten_after_a_day() {
    let mut roster = Roster::default();
    let left = [(peer("a", 1, 1, Intent::Leave), Down)];
    let day = Tuning::default().tombstone_timeout.as_millis() as u64;
    assert_eq!(list(&mut roster, &left, 5).len(), 1);
    assert_eq!(list(&mut roster, &left, day + 4).len(), 1);
    assert!(list(&mut roster, &left, day + 5).is_empty());
}

#[test]
fn the_list_is_the_same_until_it_changes_and_each_change_shows() {
    let mut roster = Roster::default();
    let peer = |name: &str, port, born| (peer(name, port, born, Intent::Stay), Alive);
    let (a, b) = (peer("a", 1, 1), peer("b", 2, 1));
    let names = |members: &Members| -> Vec<(String, u16)> {
        members.iter().map(|one| (one.member.name.to_string(), one.member.gossip_port)).collect()
    };
    let both = list(&mut roster, &[a.clone(), b.clone()], 1);
    assert!(Arc::ptr_eq(&both, &list(&mut roster, &[b.clone(), a.clone()], 2)), "in whatever order");
    let renewed = list(&mut roster, &[peer("a", 1, 2), b.clone()], 3);
    assert_eq!(
        (renewed.get("a").unwrap().since, renewed.get("b").unwrap().since),
        (Timestamp(3), Timestamp(1))
    );
    let renamed = list(&mut roster, &[peer("c", 1, 3), b.clone()], 4);
    assert_eq!(names(&renamed), [("b".to_owned(), 2), ("c".to_owned(), 1)]);
    let claimed = list(&mut roster, &[peer("B", 3, 9), b.clone()], 5);
    assert_eq!((names(&claimed), claimed.conflicts().len()), (vec![("b".to_owned(), 2)], 1));
    let inherited = list(&mut roster, &[peer("B", 3, 9)], 6);
    assert_eq!((names(&inherited), inherited.conflicts().len()), (vec![("B".to_owned(), 3)], 0));
    assert!(list(&mut roster, &[], 7).is_empty());
}
