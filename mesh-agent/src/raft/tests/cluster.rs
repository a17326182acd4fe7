//! Several servers over a network that tests cut.

use super::*;
use crate::model::KvValue;
use crate::raft::files::simulated::SimulatedFileSystem;
use crate::state::fixtures::{register_service, service_name};
use crate::state::{Command, InstancesOf, KvVerb, KvWrite, Outcome, Query, Through};
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Mutex, Weak};
use tokio::time::{Instant, sleep, timeout};

/// Joins servers of one process, each under its address.
#[derive(Default)]
struct Hub {
    nodes: Mutex<BTreeMap<String, Weak<RaftNode>>>,
    /// Nothing goes from the first to the second.
    cut: Mutex<HashSet<(String, String)>>,
    /// Bytes in a millisecond, where the network is slow.
    rate: Mutex<Option<usize>>,
}

/// One server's way to the others.
struct Wire {
    hub: Arc<Hub>,
    from: String,
}

impl Wire {
    async fn deliver(&self, to: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let cut = |from: &str, to: &str| self.hub.cut.lock().unwrap().contains(&(from.into(), to.into()));
        if cut(&self.from, to) {
            return Err("the network is cut".to_owned());
        }
        let rate = *self.hub.rate.lock().unwrap();
        if let Some(rate) = rate {
            sleep(Duration::from_millis((message.len() / rate) as u64)).await;
        }
        let node = self.hub.nodes.lock().unwrap().get(to).and_then(Weak::upgrade);
        let answer = node.ok_or("nobody is there")?.answer(&message).await.map_err(|e| e.to_string())?;
        if cut(to, &self.from) { Err("the network is cut".to_owned()) } else { Ok(answer) }
    }
}

impl Transport for Wire {
    fn send<'a>(
        &'a self,
        address: &'a str,
        message: Vec<u8>,
        deadline: Duration,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let delivered = timeout(deadline, self.deliver(address, message)).await;
            let delivered = delivered.unwrap_or_else(|_| Err("it is late".to_owned()));
            delivered.map_err(|reason| TransportError { address: address.to_owned(), reason })
        })
    }
}

fn address(id: u64) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(id).unwrap()], 8300))
}

pub(super) struct Cluster {
    hub: Arc<Hub>,
    pub(super) servers: BTreeMap<u64, Server>,
    /// Of those who keep something.
    pub(super) disks: BTreeMap<u64, SimulatedFileSystem>,
    /// How long they wait for a leader, where that is not as long as ever.
    patience: Option<Duration>,
}

impl Cluster {
    /// So many servers that belong to nothing yet.
    async fn founded(count: u64) -> Self {
        let cluster =
            Self { hub: Arc::default(), servers: BTreeMap::new(), disks: BTreeMap::new(), patience: None };
        cluster.found(count).await
    }

    /// With a disk each, and so patient with their leader.
    pub(super) async fn founded_on_disks(count: u64, patience: Duration) -> Self {
        let disks = (1..=count).map(|id| (id, SimulatedFileSystem::default())).collect();
        let patience = Some(patience);
        let cluster = Self { hub: Arc::default(), servers: BTreeMap::new(), disks, patience };
        cluster.found(count).await
    }

    async fn found(mut self, count: u64) -> Self {
        for id in 1..=count {
            self.start(id).await;
        }
        let members = (1..=count).map(|id| (id, address(id))).collect();
        self.servers[&1].node.found(&members).await.unwrap();
        // However patient they are.
        self.servers[&1].node.raft.trigger().elect().await.unwrap();
        self.leader().await;
        self
    }

    fn options(&self, id: u64) -> RaftOptions {
        let on_disk = self.disks.contains_key(&id);
        let storage = if on_disk { Storage::Directory("/raft".into()) } else { Storage::Memory };
        let options = RaftOptions::new(id, address(id), storage);
        RaftOptions {
            founding: Founding::Together,
            compaction: Compaction { entries: 50, keep: 5, ..Compaction::default() },
            election_timeout: self.patience.unwrap_or(options.election_timeout),
            ..options
        }
    }

    pub(super) async fn start(&mut self, id: u64) {
        let (store, shutdown) = (Arc::<Store>::default(), Shutdown::new());
        let (options, disk) = (self.options(id), self.disks.get(&id).cloned().unwrap_or_default());
        let wire = Arc::new(Wire { hub: self.hub.clone(), from: address(id).to_string() });
        let node = RaftNode::start_on(Arc::new(disk), options, store.clone(), wire, shutdown.clone());
        let node = Arc::new(node.await.unwrap());
        self.hub.nodes.lock().unwrap().insert(address(id).to_string(), Arc::downgrade(&node));
        self.servers.insert(id, Server { node, store, shutdown });
    }

    async fn kill(&mut self, id: u64) {
        self.servers.remove(&id).unwrap().stop().await;
    }

    fn cut(&self, id: u64) {
        let mut cut = self.hub.cut.lock().unwrap();
        for other in self.servers.keys().filter(|other| **other != id) {
            cut.insert((address(id).to_string(), address(*other).to_string()));
            cut.insert((address(*other).to_string(), address(id).to_string()));
        }
    }

    /// Nothing reaches this server; what it says reaches the others.
    fn deafen(&self, id: u64) {
        let others = self.servers.keys().filter(|other| **other != id);
        let cut = others.map(|other| (address(*other).to_string(), address(id).to_string()));
        self.hub.cut.lock().unwrap().extend(cut);
    }

    fn heal(&self) {
        self.hub.cut.lock().unwrap().clear();
    }

    pub(super) async fn until<T>(&self, what: &str, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = found(self) {
                    return found;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    pub(super) async fn leader(&self) -> u64 {
        self.until("a leader", |c| c.servers.iter().find(|(_, s)| s.node.leads()).map(|(id, _)| *id)).await
    }

    pub(super) async fn write(&self, on: u64, name: &str) {
        let outcome = self.servers[&on].node.write(register_service("n1", name, name)).await.unwrap();
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }

    pub(super) fn has(&self, id: u64, name: &str) -> bool {
        let query = InstancesOf { service: service_name(name), through: Through::Direct };
        !query.run(&self.servers[&id].store.state()).is_empty()
    }

    pub(super) async fn everywhere(&self, name: &str) {
        self.until(name, |c| c.servers.keys().all(|id| c.has(*id, name)).then_some(())).await;
    }

    pub(super) fn term(&self, id: u64) -> u64 {
        self.servers[&id].node.raft.metrics().borrow().current_term
    }
}

#[tokio::test]
async fn servers_that_found_a_cluster_together_all_have_what_its_leader_writes() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    cluster.write(leader, "web").await;
    cluster.everywhere("web").await;
    let servers = cluster.servers[&leader].node.servers();
    assert_eq!(
        servers.iter().map(|s| (s.id, s.voter, s.leader)).collect::<Vec<_>>(),
        [(1, true, leader == 1), (2, true, leader == 2), (3, true, leader == 3)]
    );
    for (id, server) in &cluster.servers {
        if *id != leader {
            assert!(server.node.last_contact().unwrap() < Duration::from_secs(5));
            let refused = server.node.write(register_service("n1", "db", "db")).await;
            assert_eq!(refused.unwrap_err(), AgreementError::NotLeader);
        }
    }
}

#[tokio::test]
async fn when_the_leader_goes_another_leads_within_a_second_or_so_with_all_that_was_acknowledged() {
    let mut cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.write(first, "web").await;
    let killed = Instant::now();
    cluster.kill(first).await;
    let second = cluster.leader().await;
    println!("another leads after {:?}", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(5));
    assert!(cluster.has(second, "web"));
    cluster.write(second, "db").await;
    // The killed one comes back with an empty log, as a wiped server, and gets everything again.
    cluster.start(first).await;
    cluster.everywhere("db").await;
}

#[tokio::test]
async fn a_server_that_alone_does_not_hear_the_leader_does_not_depose_it() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let deaf = *cluster.servers.keys().find(|id| **id != leader).unwrap();
    let term = cluster.term(leader);
    cluster.deafen(deaf);
    // Several times its patience.
    sleep(Duration::from_secs(3)).await;
    cluster.write(leader, "web").await;
    cluster.heal();
    cluster.everywhere("web").await;
    assert_eq!((cluster.leader().await, cluster.term(leader)), (leader, term));
}

#[tokio::test]
async fn a_leader_that_is_cut_off_confirms_nothing_and_follows_when_it_is_back() {
    let cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.cut(first);
    let node = &cluster.servers[&first].node;
    assert!(node.confirm_leadership().await.is_err(), "it cannot know whether it still leads");
    let others =
        |c: &Cluster| c.servers.iter().find(|(id, s)| **id != first && s.node.leads()).map(|(id, _)| *id);
    let second = cluster.until("another leader", others).await;
    let alone = |_: &Cluster| (!node.leads() && node.leader().is_none()).then_some(());
    cluster.until("the leader that nobody hears does not say that it leads", alone).await;
    cluster.write(second, "web").await;
    cluster.heal();
    cluster.everywhere("web").await;
}

#[tokio::test]
async fn what_a_deposed_leader_had_taken_is_unconfirmed_and_not_refused() {
    let cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.cut(first);
    let node = cluster.servers[&first].node.clone();
    let last = |c: &Cluster, id: u64| c.servers[&id].node.raft.metrics().borrow().last_log_index;
    let before = last(&cluster, first);
    let taken = async {
        cluster.until("it is in the log", |c| (last(c, first) > before).then_some(())).await;
        let others =
            |c: &Cluster| c.servers.iter().find(|(id, s)| **id != first && s.node.leads()).map(|(id, _)| *id);
        let second = cluster.until("another leader", others).await;
        cluster.write(second, "web").await;
        cluster.heal();
    };
    let (written, ()) = tokio::join!(node.write(register_service("n1", "db", "db")), taken);
    assert!(matches!(written, Err(AgreementError::Unconfirmed { .. })), "{written:?}");
    cluster.everywhere("web").await;
    assert!(!cluster.has(first, "db"), "it was truncated");
}

#[tokio::test]
async fn a_server_is_taken_in_gets_a_vote_and_is_taken_out_again() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    for number in 0..120 {
        cluster.write(leader, &format!("s{number}")).await;
    }
    // The log begins after what a new server needs, so that a snapshot is sent.
    cluster.start(4).await;
    let node = cluster.servers[&leader].node.clone();
    node.add(4, address(4)).await.unwrap();
    cluster.everywhere("s0").await;
    cluster.everywhere("s119").await;
    let row = |id: u64| node.servers().into_iter().find(|server| server.id == id);
    assert!(!row(4).unwrap().voter);
    node.promote(4).await.unwrap();
    assert!(row(4).unwrap().voter);
    node.remove(4).await.unwrap();
    assert_eq!(row(4), None);
    assert_eq!(node.remove(4).await, Err(MembershipError::Unknown { id: 4 }));
}

#[tokio::test]
async fn a_leader_steps_aside_for_the_server_that_was_named() {
    let cluster = Cluster::founded(3).await;
    let first = cluster.leader().await;
    cluster.write(first, "web").await;
    cluster.everywhere("web").await;
    let next = *cluster.servers.keys().find(|id| **id != first).unwrap();
    assert_eq!(cluster.servers[&next].node.transfer(None).await, Err(MembershipError::NotLeader));
    assert_eq!(cluster.servers[&first].node.transfer(Some(next)).await, Ok(next));
    let led = |c: &Cluster| c.servers[&next].node.leads().then_some(());
    cluster.until("the named server to lead", led).await;
    cluster.write(next, "db").await;
    cluster.everywhere("db").await;
}

#[tokio::test]
async fn a_message_for_a_server_that_lived_here_before_is_not_taken() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let other = *cluster.servers.keys().find(|id| **id != leader).unwrap();
    let wire = Arc::new(Wire { hub: cluster.hub.clone(), from: address(leader).to_string() });
    let stranger = super::super::network::Peers::new(wire).peer(99, &address(other).to_string());
    let refused = stranger.ask(super::super::message::Message::Canvass, DEADLINE).await;
    assert!(refused.err().unwrap().to_string().contains("is not the one with Raft id 99 any more"));
    assert!(cluster.servers[&other].node.answer(b"noise").await.is_err());
}

#[tokio::test]
async fn an_entry_that_takes_longer_than_a_heartbeat_and_an_election_is_committed_by_its_leader() {
    let cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let term = cluster.term(leader);
    *cluster.hub.rate.lock().unwrap() = Some(4 << 10);
    let value = KvValue("x".repeat(8 << 20).into());
    let verb = KvVerb::Set { value, flags: 0 };
    let began = Instant::now();
    let write = Command::Kv(Box::new(KvWrite { key: "large".into(), verb }));
    let written = cluster.servers[&leader].node.write(write).await;
    assert!(matches!(written, Ok(Outcome::Done { .. })), "{written:?}");
    assert!(began.elapsed() > Duration::from_secs(2), "the network was slow");
    assert_eq!((cluster.leader().await, cluster.term(leader)), (leader, term), "nobody missed the leader");
    cluster.write(leader, "after").await;
    cluster.everywhere("after").await;
}

#[tokio::test]
async fn large_values_reach_a_server_that_comes_late() {
    let mut cluster = Cluster::founded(3).await;
    let leader = cluster.leader().await;
    let node = cluster.servers[&leader].node.clone();
    let large = |number: usize| {
        let value = KvValue("x".repeat(400 << 10).into());
        let verb = KvVerb::Set { value, flags: 0 };
        Command::Kv(Box::new(KvWrite { key: format!("k{number}").as_str().into(), verb }))
    };
    let writes = (0..30).map(|number| node.write(large(number)));
    for written in futures_util::future::join_all(writes).await {
        assert!(matches!(written.unwrap(), Outcome::Done { .. }));
    }
    cluster.write(leader, "after").await;
    cluster.start(4).await;
    node.add(4, address(4)).await.unwrap();
    cluster.everywhere("after").await;
}
