use super::catalog_plan::HEALTH;
use super::voter_plan::{self, VoterChange};
use super::*;
use crate::catalog::fixtures::OneVoter;
use crate::catalog::{Catalog, Later};
use crate::clock::{Clock, Timestamp};
use crate::gossip::{Known, Member, MemberState, Members, Role};
use crate::model::{AutopilotConfig, CheckStatus, Node, NodeName};
use crate::state::{Command, GetAutopilot, GetNode, Query, Registration, Store};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const START: u64 = 1_700_000_000_000;

fn known(number: u8, role: Role, state: MemberState) -> Known {
    let member = Member {
        name: NodeName::new(&format!("n{number}")).unwrap(),
        id: Uuid::from_u128(number.into()),
        address: [10, 0, 0, number].into(),
        gossip_port: 8301,
        rpc_port: 8300,
        role,
        datacenter: "dc1".parse().unwrap(),
        bootstrap_expect: if role == Role::Server { 3 } else { 0 },
        raft_id: if role == Role::Server { number.into() } else { 0 },
        tags: Default::default(),
    };
    Known { member, state, since: Timestamp(START) }
}

fn client(number: u8, state: MemberState) -> Known {
    known(number, Role::Client, state)
}

fn server(number: u8, state: MemberState) -> Known {
    known(number, Role::Server, state)
}

fn voter(id: u64, votes: bool, matched: u64) -> Voter {
    let address = format!("10.0.0.{id}:8300");
    let last_contact = Some(Duration::from_millis(50));
    Voter { id, address, leader: id == 1, votes, matched: Some(matched), term: Some(3), last_contact }
}

use MemberState::{Alive, Failed, Leaving, Left, Suspect};

/// What follows from such servers, ten seconds after all came to be as they are.
fn change(servers: &[(u8, MemberState)], voters: &[Voter]) -> Option<VoterChange> {
    change_after(Duration::from_secs(10), servers, voters)
}

fn change_after(time: Duration, servers: &[(u8, MemberState)], voters: &[Voter]) -> Option<VoterChange> {
    let members: Members = servers.iter().map(|(number, state)| server(*number, *state)).collect();
    let now = Timestamp(START + u64::try_from(time.as_millis()).unwrap());
    voter_plan::plan(&members, voters, &AutopilotConfig::default(), now).into_iter().next()
}

#[test]
fn a_server_that_comes_is_taken_in_and_votes_once_it_is_stable_and_has_caught_up() {
    let servers = [(1, Alive), (2, Alive)];
    let (one, learner) = (voter(1, true, 1000), voter(2, false, 1000));
    let address = "10.0.0.2:8300".parse().unwrap();
    assert_eq!(change(&servers, std::slice::from_ref(&one)), Some(VoterChange::Add(2, address)));
    let both = [one.clone(), learner.clone()];
    assert_eq!(change_after(Duration::from_secs(9), &servers, &both), None, "not stable yet");
    assert_eq!(change(&servers, &both), Some(VoterChange::Promote(2)));
    assert_eq!(change(&[(1, Alive), (2, Suspect)], &both), None, "suspected");
    let behind = Voter { matched: Some(749), ..learner.clone() };
    assert_eq!(change(&servers, &[one.clone(), behind]), None, "behind");
    let silent = Voter { matched: None, ..learner };
    assert_eq!(change(&servers, &[one.clone(), silent]), None, "nothing known of its log");
    let moved = Voter { address: "10.9.9.9:8300".to_owned(), ..voter(2, true, 1000) };
    assert_eq!(change(&servers, &[one, moved]), Some(VoterChange::Add(2, address)), "elsewhere");
}

#[test]
fn a_server_that_left_goes_and_one_that_failed_when_another_is_there_in_its_place() {
    let voters = |count: u64| (1..=count).map(|id| voter(id, true, 5)).collect::<Vec<_>>();
    let learner = |id| [voters(2), vec![voter(id, false, 5)]].concat();
    let cases = [
        (vec![(1, Alive), (2, Alive), (3, Left)], voters(3), Some(3)),
        (vec![(1, Alive), (2, Alive), (3, Leaving)], voters(3), None),
        (vec![(1, Alive), (2, Alive), (3, Failed)], voters(3), None),
        (vec![(1, Alive), (2, Alive), (3, Failed), (4, Alive)], voters(4), Some(3)),
        (vec![(1, Alive), (2, Alive), (3, Failed), (4, Failed)], voters(4), None),
        (vec![(1, Alive), (2, Alive), (3, Alive), (4, Failed), (5, Failed)], voters(5), Some(4)),
        (vec![(1, Alive), (2, Alive), (3, Failed)], learner(3), Some(3)),
        // The leader knows best whether it is there.
        (vec![(1, Left), (2, Alive), (3, Alive)], voters(3), None),
        // One that this server does not know of may be unknown for being new here.
        (vec![(1, Alive), (2, Alive)], voters(3), None),
    ];
    for (servers, voters, removed) in cases {
        assert_eq!(change(&servers, &voters), removed.map(VoterChange::Remove), "{servers:?}");
    }
}

#[test]
fn dead_servers_stay_where_nobody_wants_them_cleaned_up() {
    let members: Members = [(1, Alive), (2, Alive), (3, Failed), (4, Alive)]
        .map(|(number, state)| server(number, state))
        .into_iter()
        .collect();
    let voters: Vec<Voter> = (1..=4).map(|id| voter(id, true, 5)).collect();
    let autopilot = AutopilotConfig { cleanup_dead_servers: false, ..AutopilotConfig::default() };
    assert_eq!(voter_plan::plan(&members, &voters, &autopilot, Timestamp(START + 10_000)), []);
    let larger = AutopilotConfig { min_quorum: 4, ..AutopilotConfig::default() };
    assert_eq!(voter_plan::plan(&members, &voters, &larger, Timestamp(START + 10_000)), []);
}

/// Remembers what it was told to do.
#[derive(Default)]
struct FakeVoters {
    list: Mutex<Vec<Voter>>,
    done: Mutex<Vec<VoterChange>>,
}

impl FakeVoters {
    fn done(&self, change: VoterChange) -> Later<'_, Result<(), String>> {
        self.done.lock().unwrap().push(change);
        Box::pin(async { Ok(()) })
    }
}

impl Voters for FakeVoters {
    fn leads(&self) -> bool {
        true
    }
    fn list(&self) -> Vec<Voter> {
        self.list.lock().unwrap().clone()
    }
    fn add(&self, id: u64, address: SocketAddr) -> Later<'_, Result<(), String>> {
        self.done(VoterChange::Add(id, address))
    }
    fn promote(&self, id: u64) -> Later<'_, Result<(), String>> {
        self.done(VoterChange::Promote(id))
    }
    fn remove(&self, id: u64) -> Later<'_, Result<(), String>> {
        self.done(VoterChange::Remove(id))
    }
}

/// A leader whose members a test sets.
struct Scene {
    catalog: Catalog,
    consensus: Arc<OneVoter>,
    voters: Arc<FakeVoters>,
    clock: Clock,
    reconciler: Reconciler,
    _members: watch::Sender<Arc<Members>>,
}

impl Scene {
    fn new() -> Self {
        Self::with(AutopilotConfig::default())
    }

    fn with(autopilot: AutopilotConfig) -> Self {
        let store = Arc::new(Store::default());
        let consensus = OneVoter::new(store.clone());
        let catalog = Catalog::new(store, consensus.clone());
        let (voters, clock) = (Arc::new(FakeVoters::default()), Clock::manual(Timestamp(START)));
        let (members, followed) = watch::channel(Arc::default());
        let reconciler =
            Reconciler::following(followed, catalog.clone(), voters.clone(), autopilot, clock.clone());
        Self { catalog, consensus, voters, clock, reconciler, _members: members }
    }

    async fn see(&mut self, members: &[Known]) {
        let members: Members = members.iter().cloned().collect();
        self.reconciler.reconcile(&members).await;
    }

    fn pass(&self, time: Duration) {
        let now = self.clock.now().millis();
        self.clock.set(Timestamp(now + u64::try_from(time.as_millis()).unwrap()));
    }

    fn node(&self, name: &str) -> Option<(Node, CheckStatus)> {
        let found = GetNode(name.parse().unwrap()).run(&self.catalog.state())?;
        let health = found.checks.iter().find(|check| check.id.as_str() == HEALTH)?;
        Some(((*found.node).clone(), health.status))
    }

    fn health(&self, name: &str) -> Option<CheckStatus> {
        self.node(name).map(|(_, health)| health)
    }
}

#[tokio::test]
async fn the_catalog_follows_who_is_alive_and_nothing_is_written_twice() {
    let mut scene = Scene::new();
    scene.see(&[client(1, Alive), client(2, Alive)]).await;
    assert_eq!(scene.health("n1"), Some(CheckStatus::Passing));
    let (node, _) = scene.node("n2").unwrap();
    assert_eq!((node.id, node.address.as_str()), (Some(Uuid::from_u128(2)), "10.0.0.2"));
    let asked = scene.consensus.asked();
    scene.see(&[client(1, Alive), client(2, Suspect)]).await;
    assert_eq!(scene.consensus.asked(), asked, "all is as it should be");
    scene.see(&[client(1, Alive), client(2, Failed)]).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Critical));
    scene.see(&[client(1, Alive), client(2, Alive)]).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Passing));
    scene.see(&[client(1, Alive), client(2, Leaving)]).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Passing));
    scene.see(&[client(1, Alive), client(2, Left)]).await;
    assert_eq!(scene.health("n2"), None);
    assert_eq!(scene.consensus.asked(), asked + 3);
}

#[tokio::test]
async fn what_a_node_says_of_itself_stays() {
    let mut scene = Scene::new();
    let mut node =
        Node { meta: [("rack".to_owned(), "7".to_owned())].into(), ..crate::state::fixtures::node("n1") };
    node.id = Some(Uuid::from_u128(1));
    let registration =
        Registration { node: node.clone(), skip_node_update: false, services: vec![], checks: vec![] };
    scene.catalog.write(Command::Register(Box::new(registration))).await.unwrap();
    scene.see(&[client(1, Alive)]).await;
    let (found, health) = scene.node("n1").unwrap();
    assert_eq!((found.meta, found.address, health), (node.meta, node.address, CheckStatus::Passing));
}

#[tokio::test]
async fn one_that_failed_for_three_days_is_forgotten() {
    let mut scene = Scene::new();
    scene.see(&[client(1, Alive), client(2, Alive)]).await;
    let members = [client(1, Alive), client(2, Failed)];
    scene.pass(Duration::from_secs(72 * 3600 - 1));
    scene.see(&members).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Critical));
    scene.pass(Duration::from_secs(1));
    scene.see(&members).await;
    assert_eq!(scene.health("n2"), None);
}

#[tokio::test]
async fn a_new_leader_gives_members_time_to_show_up() {
    let mut scene = Scene::new();
    scene.see(&[client(1, Alive), client(2, Alive)]).await;
    let others = [client(1, Alive)];
    scene.see(&others).await;
    scene.pass(Duration::from_secs(29));
    scene.see(&others).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Passing));
    scene.pass(Duration::from_secs(1));
    scene.see(&others).await;
    assert_eq!(scene.health("n2"), Some(CheckStatus::Critical));
    scene.pass(Duration::from_secs(72 * 3600));
    scene.see(&others).await;
    assert_eq!(scene.health("n2"), None);
}

#[tokio::test]
async fn nodes_that_were_never_members_keep_their_own_check() {
    let mut scene = Scene::new();
    scene.see(&[client(1, Alive)]).await;
    let mut successor = Scene { catalog: scene.catalog.clone(), ..Scene::new() };
    let (_, followed) = watch::channel(Arc::default());
    let (catalog, voters) = (scene.catalog.clone(), successor.voters.clone());
    let clock = successor.clock.clone();
    successor.reconciler =
        Reconciler::following(followed, catalog, voters, AutopilotConfig::default(), clock);
    for _ in 0..3 {
        successor.pass(Duration::from_secs(100 * 3600));
        successor.see(&[]).await;
    }
    assert_eq!(successor.health("n1"), Some(CheckStatus::Passing));
}

#[test]
fn a_server_with_a_cluster_of_its_own_is_not_taken_in() {
    let mut alone = server(2, Alive);
    alone.member.bootstrap_expect = 1;
    let members: Members = [server(1, Alive), alone].into_iter().collect();
    let voters = [voter(1, true, 5)];
    let now = Timestamp(START + 10_000);
    assert_eq!(voter_plan::plan(&members, &voters, &AutopilotConfig::default(), now), []);
}

#[tokio::test]
async fn nodes_that_nobody_vouches_for_are_left_alone() {
    let mut scene = Scene::new();
    let external = crate::state::fixtures::node("external");
    let registration =
        Registration { node: external, skip_node_update: false, services: vec![], checks: vec![] };
    scene.catalog.write(Command::Register(Box::new(registration))).await.unwrap();
    let asked = scene.consensus.asked();
    for _ in 0..3 {
        scene.pass(Duration::from_secs(100 * 3600));
        scene.see(&[]).await;
    }
    assert_eq!(scene.consensus.asked(), asked);
}

#[tokio::test]
async fn servers_are_taken_in_one_at_a_time() {
    let mut scene = Scene::new();
    *scene.voters.list.lock().unwrap() = vec![voter(1, true, 5)];
    scene.see(&[server(1, Alive), server(2, Alive), server(3, Alive)]).await;
    let address = "10.0.0.2:8300".parse().unwrap();
    assert_eq!(*scene.voters.done.lock().unwrap(), [VoterChange::Add(2, address)]);
}

#[test]
fn a_server_that_lost_its_disk_takes_the_place_of_the_one_it_was() {
    // The third server has another id now, and the address that it had.
    let mut members: Vec<Known> = vec![server(1, Alive), server(2, Alive), server(3, Alive)];
    members[2].member.raft_id = 9;
    let members: Members = members.into_iter().collect();
    let reborn = Voter { id: 9, ..voter(3, true, 5) };
    let voters = [voter(1, true, 5), voter(2, true, 5), voter(3, true, 5), reborn];
    let planned = voter_plan::plan(&members, &voters, &AutopilotConfig::default(), Timestamp(START));
    assert_eq!(planned, [VoterChange::Remove(3)]);
}

#[test]
fn a_server_is_healthy_while_it_lives_answers_and_keeps_up() {
    let members = |state| [server(1, Alive), server(2, Alive), server(3, state)].into_iter().collect();
    let config = AutopilotConfig::default();
    let third = voter(3, true, 1000);
    let silent = Voter { last_contact: Some(Duration::from_millis(201)), ..third.clone() };
    let cases = [
        ("all is well", Alive, third.clone(), true),
        ("suspected is not dead yet", Suspect, third.clone(), true),
        ("it failed", Failed, third.clone(), false),
        ("it is silent", Alive, silent, false),
        ("it never answered", Alive, Voter { last_contact: None, ..third.clone() }, false),
        ("it is behind", Alive, Voter { matched: Some(749), ..third.clone() }, false),
        ("it is of an older term", Alive, Voter { term: Some(2), ..third.clone() }, false),
    ];
    for (what, state, third, healthy) in cases {
        let voters = [voter(1, true, 1000), voter(2, true, 1000), third];
        let found = health(Some(&members(state)), &voters, &config);
        assert_eq!((found.healthy, found.servers[2].healthy), (healthy, healthy), "{what}");
        assert_eq!(found.tolerates, usize::from(healthy), "{what}");
        assert!(found.servers[1].healthy, "{what}");
    }
    let alone = health(None, &[voter(1, true, 1000)], &config);
    assert!(alone.healthy && alone.tolerates == 0);
    assert!(!health(None, &[], &config).healthy, "nobody leads");
}

#[tokio::test]
async fn the_first_leader_keeps_what_its_configuration_says_of_autopilot_and_all_act_by_what_is_kept() {
    let configured = AutopilotConfig { cleanup_dead_servers: false, ..AutopilotConfig::default() };
    let mut scene = Scene::with(configured);
    *scene.voters.list.lock().unwrap() = (1..=4).map(|id| voter(id, true, 5)).collect();
    let members = [server(1, Alive), server(2, Alive), server(3, Failed), server(4, Alive)];
    scene.see(&members).await;
    let kept = GetAutopilot.run(&scene.catalog.state()).unwrap();
    assert!(!kept.cleanup_dead_servers);
    assert_eq!(*scene.voters.done.lock().unwrap(), []);
    let config = AutopilotConfig::default();
    scene.catalog.write(Command::SetAutopilot { config, expected: Some(kept.index.modify) }).await.unwrap();
    scene.see(&members).await;
    assert_eq!(*scene.voters.done.lock().unwrap(), [VoterChange::Remove(3)]);
    assert!(GetAutopilot.run(&scene.catalog.state()).unwrap().cleanup_dead_servers, "it is not set back");
}
