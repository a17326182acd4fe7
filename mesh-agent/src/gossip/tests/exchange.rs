use super::super::digest::Digest;
use super::super::engine::{Verdict, judge};
use super::super::member::{Card, Generation, Intent};
use super::super::peer::Peer;
use super::*;
use foca::{Member as Told, State};

fn peer(port: u16, born: u64, intent: Intent) -> Peer {
    let member = member("a", SocketAddr::from(([10, 0, 0, 1], port)));
    Peer::new(Card { member, generation: Generation { born, renewal: 0 }, intent }).unwrap()
}

fn told(born: u64, intent: Intent, state: State) -> Told<Peer> {
    Told::new(peer(1, born, intent), 0, state)
}

#[test]
fn nobody_dies_of_hearsay() {
    use Intent::{Leave, Stay};
    use State::{Alive, Down, Suspect};
    let cases = [
        (None, told(1, Stay, Alive), Verdict::Learn),
        (None, told(1, Stay, Suspect), Verdict::Learn),
        (None, told(1, Stay, Down), Verdict::Nothing),
        (Some(told(1, Stay, Alive)), told(1, Stay, Down), Verdict::Doubt),
        (Some(told(1, Stay, Suspect)), told(1, Stay, Down), Verdict::Doubt),
        (Some(told(1, Stay, Down)), told(1, Stay, Alive), Verdict::Revive),
        (Some(told(1, Stay, Down)), told(1, Stay, Down), Verdict::Nothing),
        (Some(told(1, Stay, Alive)), told(1, Stay, Suspect), Verdict::Nothing),
        (Some(told(1, Stay, Down)), told(2, Stay, Alive), Verdict::Update),
        (Some(told(1, Stay, Alive)), told(1, Leave, Down), Verdict::Update),
        (Some(told(2, Stay, Alive)), told(1, Leave, Down), Verdict::Nothing),
        (Some(told(2, Stay, Alive)), told(1, Stay, Alive), Verdict::Nothing),
    ];
    for (known, told, verdict) in cases {
        assert_eq!(judge(known.as_ref(), &told), verdict, "{known:?} {told:?}");
    }
}

#[test]
fn sums_differ_where_members_do() {
    let members: Vec<_> = (1..500).map(|port| Told::alive(peer(port, 1, Intent::Stay))).collect();
    let all = Digest::of(members.iter());
    assert_eq!(all.differing(&Digest::of(members.iter().rev())), 0, "in whatever order");
    for (index, missing) in members.iter().enumerate() {
        let others = members.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, member)| member);
        let bucket = 1 << super::super::digest::bucket(missing.id());
        assert_eq!(all.differing(&Digest::of(others)), bucket);
    }
    assert_ne!(all.differing(&Digest::of([].into_iter())), 0);
}
