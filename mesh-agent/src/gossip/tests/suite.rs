//! What membership does, over the network of this machine and over one in memory.

use super::memory::{Memory, MemoryTransport};
use super::*;
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;

/// A kind of network.
trait Net {
    type Transport: Transport;
    /// A socket at an address, or at any that is free.
    fn bind(&mut self, address: Option<SocketAddr>) -> (SocketAddr, Self::Transport);
    /// Another each time, or two would seal under one key with one nonce.
    fn seed(&mut self) -> [u8; 32];
}

struct Udp;

impl Net for Udp {
    type Transport = UdpTransport;
    fn bind(&mut self, address: Option<SocketAddr>) -> (SocketAddr, UdpTransport) {
        let wanted = address.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let transport = UdpTransport::bind(wanted).unwrap();
        (transport.local_address().unwrap(), transport)
    }
    fn seed(&mut self) -> [u8; 32] {
        rand::random()
    }
}

struct InMemory {
    network: Memory,
    bound: u16,
}

impl InMemory {
    fn new() -> Self {
        Self { network: Memory::new(1), bound: 0 }
    }
}

impl Net for InMemory {
    type Transport = MemoryTransport;
    fn bind(&mut self, address: Option<SocketAddr>) -> (SocketAddr, MemoryTransport) {
        self.bound += 1;
        let address = address.unwrap_or_else(|| SocketAddr::from(([10, 0, 0, 1], 8000 + self.bound)));
        (address, self.network.bind(address))
    }
    fn seed(&mut self) -> [u8; 32] {
        [u8::try_from(self.bound).unwrap(); 32]
    }
}

/// A member that runs.
struct Agent {
    gossip: Gossip,
    at: SocketAddr,
    shutdown: Shutdown,
    tasks: TaskGroup,
}

/// What is unlike the others.
#[derive(Default)]
struct Unlike {
    at: Option<SocketAddr>,
    keyring: Option<Keyring>,
    id: Option<Uuid>,
    datacenter: Option<&'static str>,
}

const DEADLINE: Duration = Duration::from_secs(60);

impl Agent {
    fn start<N: Net>(net: &mut N, name: &str) -> Self {
        Self::unlike(net, name, Unlike::default())
    }

    fn unlike<N: Net>(net: &mut N, name: &str, unlike: Unlike) -> Self {
        let (at, transport) = net.bind(unlike.at);
        let mut member = member(name, at);
        member.id = unlike.id.unwrap_or(member.id);
        if let Some(datacenter) = unlike.datacenter {
            member.datacenter = datacenter.parse().unwrap();
        }
        let options = GossipOptions {
            member,
            keyring: unlike.keyring.unwrap_or_else(|| Keyring::new(key())),
            keyring_file: KeyringFile::new(None),
            snapshots: Snapshots::default(),
            tuning: hasty(),
            clock: Clock::System,
            seed: net.seed(),
        };
        let (driver, gossip) = Driver::new(options, transport).unwrap();
        let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
        tasks.spawn("gossip", driver.run(shutdown.clone()));
        Self { gossip, at, shutdown, tasks }
    }

    async fn join(&self, other: &Self) -> Result<NodeName, String> {
        let mut joins = self.gossip.join(&[other.at.to_string()], 1).await;
        joins.joined.pop().ok_or_else(|| joins.failed[0].to_string())
    }

    /// Without a word to the others.
    async fn kill(self) -> SocketAddr {
        self.shutdown.begin();
        self.tasks.finish().await;
        self.at
    }

    async fn sees(&self, what: &str, condition: impl Fn(&Members) -> bool) {
        let mut members = self.gossip.watch();
        let seen = members.wait_for(|members| condition(members));
        if tokio::time::timeout(DEADLINE, seen).await.is_err() {
            panic!("{} does not see that {what}: {:?}", self.at, self.gossip.members());
        }
    }

    async fn sees_states(&self, wanted: &[(&str, MemberState)]) {
        let wanted: Vec<_> = wanted.to_vec();
        self.sees(&format!("{wanted:?}"), |members| states(members) == wanted).await;
    }
}

fn states(members: &Members) -> Vec<(&str, MemberState)> {
    members.iter().map(|known| (known.member.name.as_str(), known.state)).collect()
}

use MemberState::{Alive, Failed, Left};

async fn three<N: Net>(net: &mut N) -> [Agent; 3] {
    let agents = ["a", "b", "c"].map(|name| Agent::start(net, name));
    for joiner in &agents[1..] {
        assert_eq!(joiner.join(&agents[0]).await.unwrap().as_str(), "a");
    }
    for agent in &agents {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive)]).await;
    }
    agents
}

async fn members_find_each_other<N: Net>(net: &mut N) {
    let agents = three(net).await;
    let c = agents[0].gossip.members().get("C").unwrap().member.clone();
    assert_eq!(c, member("c", agents[2].at), "all that it told of itself");
}

async fn one_that_dies_has_failed_and_is_alive_when_it_is_back<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    let at = c.kill().await;
    for agent in [&a, &b] {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Failed)]).await;
    }
    // It remembers nobody: the others find it.
    let c = Agent::unlike(net, "c", Unlike { at: Some(at), ..Unlike::default() });
    for agent in [&a, &b, &c] {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive)]).await;
    }
}

async fn one_that_leaves_has_left<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    c.gossip.leave().await;
    for agent in [&a, &b] {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Left)]).await;
    }
    assert!(matches!(c.gossip.force_leave("a", false).await, Err(GossipError::Stopped)));
    let at = c.kill().await;
    let c = Agent::unlike(net, "c", Unlike { at: Some(at), ..Unlike::default() });
    c.join(&b).await.unwrap();
    a.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive)]).await;
}

async fn others_can_say_that_one_left<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    c.kill().await;
    a.sees_states(&[("a", Alive), ("b", Alive), ("c", Failed)]).await;
    a.gossip.force_leave("c", false).await.unwrap();
    b.sees_states(&[("a", Alive), ("b", Alive), ("c", Left)]).await;
    b.gossip.force_leave("C", true).await.unwrap();
    for agent in [&a, &b] {
        agent.sees_states(&[("a", Alive), ("b", Alive)]).await;
    }
    let error = a.gossip.force_leave("nobody", false).await.unwrap_err();
    assert!(error.to_string().contains("\"nobody\""), "{error}");
}

async fn one_that_lives_contradicts<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    a.gossip.force_leave("c", false).await.unwrap();
    // Whoever sees this one has heard what was said of the other before.
    let d = Agent::start(net, "d");
    d.join(&a).await.unwrap();
    for agent in [&a, &b, &c, &d] {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive), ("d", Alive)]).await;
    }
}

async fn whoever_may_not_join_is_told_why<N: Net>(net: &mut N) {
    let a = Agent::start(net, "a");
    let other = Keyring::new(GossipKey::generate());
    let table = [
        (Unlike { keyring: Some(other), ..Unlike::default() }, "keys are others"),
        (Unlike { datacenter: Some("dc2"), ..Unlike::default() }, "it is of datacenter dc1"),
    ];
    for (unlike, why) in table {
        let stranger = Agent::unlike(net, "stranger", unlike);
        let error = stranger.join(&a).await.unwrap_err();
        assert!(error.contains(why) && error.contains(&a.at.to_string()), "{error}");
    }
    assert!(a.join(&a).await.unwrap_err().contains("this agent itself"));
    let gone = Agent::start(net, "gone");
    let at = gone.kill().await;
    let joins = a.gossip.join(&[at.to_string(), "no.such.name.invalid:1".to_owned()], 1).await;
    let failed: Vec<String> = joins.failed.iter().map(ToString::to_string).collect();
    assert!(failed[0].contains("did not answer") && failed[1].contains("no.such.name"), "{failed:?}");
    assert_eq!(states(&a.gossip.members()), [("a", Alive)]);
}

async fn keys_rotate_while_members_run<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    let (old, new) = (key(), GossipKey::generate());
    let error = a.gossip.use_key(&new).await.unwrap_err().to_string();
    assert!(error.contains("b does not have the key"), "{error}");
    let report = a.gossip.install_key(&new).await.unwrap();
    assert_eq!(report.keys, [(old.to_text(), 3), (new.to_text(), 3)].into());
    assert!(b.gossip.remove_key(&old).await.unwrap_err().to_string().contains("seals with it"));
    let report = b.gossip.use_key(&new).await.unwrap();
    assert_eq!(report.primary_keys, [(new.to_text(), 3)].into());
    let report = c.gossip.remove_key(&old).await.unwrap();
    assert_eq!((report.keys, report.members), ([(new.to_text(), 3)].into(), 3));
    let late = Agent::start(net, "late");
    assert!(late.join(&a).await.unwrap_err().contains("keys are others"));
    let d = Agent::unlike(net, "d", Unlike { keyring: Some(Keyring::new(new)), ..Unlike::default() });
    d.join(&b).await.unwrap();
    for agent in [&a, &b, &c, &d] {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive), ("d", Alive)]).await;
    }
}

async fn of_two_with_one_name_the_first_has_it<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    let other = Unlike { id: Some(Uuid::from_u128(99)), ..Unlike::default() };
    let second = Agent::unlike(net, "c", other);
    second.join(&a).await.unwrap();
    for agent in [&a, &b, &c, &second] {
        agent.sees("there are two", |members| members.conflicts().len() == 1).await;
        let members = agent.gossip.members();
        assert_eq!(members.get("c").unwrap().member.gossip(), c.at);
        assert_eq!(members.conflicts()[0].other.gossip(), second.at);
    }
    c.kill().await;
    let at = second.at;
    for agent in [&a, &b, &second] {
        agent.sees("the other has the name", |m| m.get("c").unwrap().member.gossip() == at).await;
        assert!(agent.gossip.members().conflicts().is_empty());
    }
}

async fn all_hear_of_an_event_once<N: Net>(net: &mut N) {
    let agents = three(net).await;
    let mut queues = agents.each_ref().map(|agent| agent.gossip.take_events().unwrap());
    let event = |n: u128| UserEvent { id: Uuid::from_u128(n), name: "deploy".into(), payload: vec![1; 100] };
    for n in 0..20 {
        agents[0].gossip.fire(event(n)).await.unwrap();
    }
    for queue in &mut queues {
        let mut heard = Vec::new();
        for _ in 0..20 {
            heard.push(tokio::time::timeout(DEADLINE, queue.recv()).await.unwrap().unwrap());
        }
        heard.sort_by_key(|event| event.id);
        assert_eq!(heard, (0..20).map(event).collect::<Vec<_>>());
        assert!(queue.try_recv().is_err());
    }
    let large = UserEvent { payload: vec![0; 4000], ..event(99) };
    assert!(matches!(agents[0].gossip.fire(large).await, Err(GossipError::EventTooLarge { .. })));
}

async fn what_a_member_tells_of_itself_can_change<N: Net>(net: &mut N) {
    let [a, b, c] = three(net).await;
    let mut changed = member("c", c.at);
    changed.tags.insert("raft".to_owned(), "voter".to_owned());
    c.gossip.change(changed.clone()).await.unwrap();
    for agent in [&a, &b] {
        agent.sees("c has a new tag", |members| members.get("c").unwrap().member == changed).await;
        assert_eq!(agent.gossip.members().get("c").unwrap().state, Alive);
    }
    changed.tags.insert("long".to_owned(), "x".repeat(500));
    assert!(matches!(c.gossip.change(changed).await, Err(GossipError::MemberTooLarge { .. })));
}

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod over_udp {
            $(#[tokio::test]
            async fn $name() { super::$name(&mut super::Udp).await; })*
        }
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $name() { super::$name(&mut super::InMemory::new()).await; })*
        }
        mod in_memory_with_loss {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                let mut net = super::InMemory::new();
                net.network.faults(|faults| {
                    faults.lost = 10;
                    faults.doubled = 10;
                    faults.delay = super::Duration::from_micros(100)..super::Duration::from_millis(8);
                });
                super::$name(&mut net).await;
            })*
        }
    };
}

suite!(
    members_find_each_other,
    one_that_dies_has_failed_and_is_alive_when_it_is_back,
    one_that_leaves_has_left,
    others_can_say_that_one_left,
    one_that_lives_contradicts,
    whoever_may_not_join_is_told_why,
    keys_rotate_while_members_run,
    of_two_with_one_name_the_first_has_it,
    all_hear_of_an_event_once,
    what_a_member_tells_of_itself_can_change,
);

#[tokio::test(start_paused = true)]
async fn sides_that_took_each_other_for_dead_find_together_again() {
    let mut net = InMemory::new();
    let agents = three(&mut net).await;
    let cut = agents[2].at;
    net.network.faults(|faults| faults.partition([cut]));
    agents[0].sees_states(&[("a", Alive), ("b", Alive), ("c", Failed)]).await;
    agents[2].sees_states(&[("a", Failed), ("b", Failed), ("c", Alive)]).await;
    net.network.faults(super::network::Faults::heal);
    for agent in &agents {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_hears_and_is_not_heard_fails_and_comes_back() {
    let mut net = InMemory::new();
    let agents = three(&mut net).await;
    let mute = agents[2].at;
    net.network.faults(|faults| faults.cut_out = [mute].into());
    agents[0].sees_states(&[("a", Alive), ("b", Alive), ("c", Failed)]).await;
    net.network.faults(super::network::Faults::heal);
    for agent in &agents {
        agent.sees_states(&[("a", Alive), ("b", Alive), ("c", Alive)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn joining_is_tried_again_until_somebody_answers() {
    let mut net = InMemory::new();
    let a = Agent::start(&mut net, "a");
    let late: SocketAddr = "10.0.0.9:8301".parse().unwrap();
    let retry = |most| RetryJoin {
        addresses: vec![late.to_string()],
        default_port: 8301,
        interval: Duration::from_secs(5),
        most,
    };
    let failed = retry(2).run(a.gossip.clone(), Shutdown::new()).await.unwrap_err();
    assert!(failed[0].to_string().contains("10.0.0.9:8301"), "{failed:?}");
    let joining = retry(0).run(a.gossip.clone(), Shutdown::new());
    let starting = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Agent::unlike(&mut net, "late", Unlike { at: Some(late), ..Unlike::default() })
    };
    let (joined, late) = tokio::join!(joining, starting);
    joined.unwrap();
    late.sees_states(&[("a", Alive), ("late", Alive)]).await;
}

#[tokio::test(start_paused = true)]
async fn who_was_joined_and_is_gone_at_once_is_joined_again_when_it_is_back() {
    let mut net = InMemory::new();
    let (a, b) = (Agent::start(&mut net, "a"), Agent::start(&mut net, "b"));
    let addresses = vec![b.at.to_string()];
    let retry = RetryJoin { addresses, default_port: 8301, interval: Duration::from_secs(1), most: 1 };
    let joining = retry.run(a.gossip.clone(), Shutdown::new());
    let going = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let at = b.kill().await;
        // Nobody else ever hears of it, and the dead are forgotten.
        a.gossip.force_leave("b", true).await.unwrap();
        tokio::time::sleep(Duration::from_secs(120)).await;
        Agent::unlike(&mut net, "c", Unlike { at: Some(at), ..Unlike::default() })
    };
    let (joined, late) = tokio::join!(joining, going);
    joined.unwrap();
    late.sees_states(&[("a", Alive), ("c", Alive)]).await;
}

#[tokio::test]
async fn members_are_remembered_on_disk_and_not_after_leaving() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("serf/local.snapshot");
    let mut net = Udp;
    let a = Agent::start(&mut net, "a");
    for leaves in [false, true] {
        let (at, transport) = net.bind(None);
        let options = GossipOptions {
            member: member("b", at),
            keyring: Keyring::new(key()),
            keyring_file: KeyringFile::new(None),
            snapshots: Snapshots::new(Some(path.clone())),
            tuning: hasty(),
            clock: Clock::System,
            seed: net.seed(),
        };
        let (driver, gossip) = Driver::new(options, transport).unwrap();
        let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
        tasks.spawn("gossip", driver.run(shutdown.clone()));
        let b = Agent { gossip, at, shutdown, tasks };
        b.join(&a).await.unwrap();
        b.sees("a lives", |members| members.get("a").is_some()).await;
        if leaves {
            b.gossip.leave().await;
        }
        b.kill().await;
        let kept = Snapshots::new(Some(path.clone())).load();
        assert!(kept.members.contains(&a.at), "{kept:?}");
        assert_eq!(kept.left, leaves);
    }
    std::fs::write(&path, "damage").unwrap();
    assert_eq!(Snapshots::new(Some(path)).load(), Snapshot::default());
}

#[tokio::test]
async fn datagrams_of_strangers_change_nothing() {
    let mut net = Udp;
    let [a, b, c] = three(&mut net).await;
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let members = Arc::clone(&a.gossip.members());
    for length in 0..1500usize {
        let junk: Vec<u8> = (0..length).map(|n| (n * 31 % 251) as u8).collect();
        stranger.send_to(&junk, a.at).await.unwrap();
        stranger.send_to(&[b"m\x01", junk.as_slice()].concat(), a.at).await.unwrap();
    }
    b.gossip.leave().await;
    for agent in [&a, &c] {
        agent.sees_states(&[("a", Alive), ("b", Left), ("c", Alive)]).await;
    }
    assert_eq!(members.len(), 3);
}
