//! Many members in one process, in a time of their own: joining, churn and partition, and what it costs.

use super::super::engine::{Engine, Life, Parts};
use super::network::Faults;
use super::*;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use tokio::sync::{mpsc, oneshot};

/// A cluster under one seed: the same seed gives the same run.
struct Simulation {
    nodes: Vec<Node>,
    faults: Faults,
    rng: StdRng,
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Arrival)>>,
    serial: u64,
    clock: Clock,
    datagrams: u64,
    bytes: u64,
    /// What all members together took of the processor, while that is measured: asking costs, too.
    busy: Option<Duration>,
}

struct Node {
    /// `None` while its process is dead.
    engine: Option<Engine>,
    wakes: Duration,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Arrival {
    Datagram { to: usize, from: usize, bytes: Vec<u8> },
    Wake(usize),
}

fn address(index: usize) -> SocketAddr {
    let [_, _, high, low] = u32::try_from(index).unwrap().to_be_bytes();
    SocketAddr::from(([10, 0, high, low], 8301))
}

fn index(address: SocketAddr) -> usize {
    let std::net::IpAddr::V4(ip) = address.ip() else { panic!("{address}") };
    let [_, _, high, low] = ip.octets();
    usize::from(u16::from_be_bytes([high, low]))
}

/// What this thread has had of the processor: on a machine that others use, too, more time than that goes by.
fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap())
}

impl Simulation {
    fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            faults: Faults { lost: 1, ..Faults::default() },
            rng: StdRng::seed_from_u64(seed),
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            serial: 0,
            clock: Clock::manual(Timestamp(1_000_000)),
            datagrams: 0,
            bytes: 0,
            busy: None,
        }
    }

    fn engine(&mut self, index: usize) -> Engine {
        let (events, _) = mpsc::channel(1);
        let parts = Parts {
            member: member(&format!("node-{index}"), address(index)),
            keyring: Keyring::new(key()),
            file: KeyringFile::new(None),
            tuning: Tuning::default(),
            clock: self.clock.clone(),
            seed: self.rng.random(),
            events,
        };
        let mut engine = Engine::new(parts).unwrap();
        engine.tick(self.now);
        engine
    }

    fn start(&mut self, index: usize) {
        let engine = Some(self.engine(index));
        if index == self.nodes.len() {
            self.nodes.push(Node { engine, wakes: Duration::MAX });
        } else {
            self.nodes[index] = Node { engine, wakes: Duration::MAX };
        }
        self.after(index);
    }

    fn join(&mut self, index: usize, seed: usize) {
        let (reply, _) = oneshot::channel();
        let now = self.now;
        self.act(index, |engine| engine.join(now, address(seed), reply));
    }

    fn act(&mut self, index: usize, act: impl FnOnce(&mut Engine)) {
        let Some(engine) = self.nodes[index].engine.as_mut() else { return };
        match &mut self.busy {
            None => act(engine),
            Some(busy) => {
                let began = processor_time();
                act(engine);
                *busy += processor_time() - began;
            }
        }
        self.after(index);
    }

    /// Sends what is to be sent, and sets the alarm.
    fn after(&mut self, from: usize) {
        let engine = self.nodes[from].engine.as_mut().unwrap();
        let (outbox, deadline) = (engine.take_outbox(), engine.next_deadline());
        for (to, bytes) in outbox {
            assert!(bytes.len() <= 1400, "a datagram of {} bytes", bytes.len());
            self.datagrams += 1;
            self.bytes += bytes.len() as u64;
            for delay in self.faults.route(&mut self.rng, address(from), to) {
                let arrival = Arrival::Datagram { to: index(to), from, bytes: bytes.clone() };
                self.push(self.now + delay, arrival);
            }
        }
        if let Some(at) = deadline.filter(|at| *at < self.nodes[from].wakes) {
            self.nodes[from].wakes = at;
            self.push(at.max(self.now), Arrival::Wake(from));
        }
    }

    fn push(&mut self, at: Duration, arrival: Arrival) {
        self.serial += 1;
        self.queue.push(Reverse((at, self.serial, arrival)));
    }

    fn run_until(&mut self, end: Duration) {
        while self.queue.peek().is_some_and(|Reverse((at, _, _))| *at <= end) {
            let Reverse((at, _, arrival)) = self.queue.pop().unwrap();
            self.now = at;
            self.clock.set(Timestamp(1_000_000 + u64::try_from(at.as_millis()).unwrap()));
            match arrival {
                Arrival::Datagram { to, from, bytes } => {
                    self.act(to, |engine| engine.datagram(at, address(from), &bytes));
                }
                Arrival::Wake(index) if at >= self.nodes[index].wakes => {
                    self.nodes[index].wakes = Duration::MAX;
                    self.act(index, |engine| engine.tick(at));
                }
                Arrival::Wake(_) => {}
            }
        }
        self.now = end;
    }

    fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn is_up(&self, index: usize) -> bool {
        self.nodes[index].engine.as_ref().is_some_and(|engine| engine.life() == Life::Running)
    }

    /// Whether each that runs sees just those of its side that run as alive.
    fn agrees(&self, sides: &[Vec<usize>]) -> bool {
        sides.iter().all(|side| {
            let up = || side.iter().filter(|index| self.is_up(**index));
            let addresses: BTreeSet<SocketAddr> = up().map(|index| address(*index)).collect();
            up().all(|index| {
                let members = self.nodes[*index].engine.as_ref().unwrap().members();
                let alive: Vec<SocketAddr> = members.alive().map(|known| known.member.gossip()).collect();
                alive.len() == addresses.len() && alive.iter().all(|address| addresses.contains(address))
            })
        })
    }

    /// How long it takes until all agree.
    fn agreement(&mut self, what: &str, sides: &[Vec<usize>], most: Duration) -> Duration {
        let began = self.now;
        while !self.agrees(sides) {
            assert!(self.now - began < most, "{what}: no agreement after {most:?}");
            self.run_for(Duration::from_secs(1));
        }
        self.now - began
    }

    fn all(&self) -> Vec<Vec<usize>> {
        vec![(0..self.nodes.len()).collect()]
    }
}

/// What a cluster of some size took and cost.
#[derive(Debug)]
struct Row {
    members: usize,
    joined: Duration,
    churned: Duration,
    parted: Duration,
    healed: Duration,
    /// Per member and second when nothing happens.
    datagrams: f64,
    bytes: f64,
    busy: Duration,
    took: Duration,
}

const HEADER: &str = "members  joined  churned  parted  healed  datagrams/s  bytes/s  CPU us/s  took";

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [joined, churned, parted, healed] =
            [self.joined, self.churned, self.parted, self.healed].map(|time| format!("{} s", time.as_secs()));
        write!(
            f,
            "{:>7}  {joined:>6}  {churned:>7}  {parted:>6}  {healed:>6}  {:>11.2}  {:>7.0}  {:>8}  {:.1} s",
            self.members,
            self.datagrams,
            self.bytes,
            self.busy.as_micros(),
            self.took.as_secs_f64()
        )
    }
}

/// Joining, quiet, churn, partition.
fn scenario(members: usize, seed: u64) -> Row {
    let began = processor_time();
    let mut simulation = Simulation::new(seed);
    let joined = join_all(&mut simulation, members);
    let (datagrams, bytes, busy) = quiet(&mut simulation, members);
    let churned = churn(&mut simulation, members);
    let (parted, healed) = part(&mut simulation, members);
    Row { members, joined, churned, parted, healed, datagrams, bytes, busy, took: processor_time() - began }
}

/// All within ten seconds, each through one of the first three.
fn join_all(simulation: &mut Simulation, members: usize) -> Duration {
    for index in 0..members {
        simulation.start(index);
        if index > 0 {
            let seed = simulation.rng.random_range(0..index.min(3));
            simulation.join(index, seed);
        }
        simulation.run_for(Duration::from_secs(10) / u32::try_from(members).unwrap());
    }
    let all = simulation.all();
    simulation.agreement("joining", &all, Duration::from_secs(60))
}

/// What it costs that nothing happens.
fn quiet(simulation: &mut Simulation, members: usize) -> (f64, f64, Duration) {
    const SECONDS: u32 = 20;
    simulation.run_for(Duration::from_secs(30));
    (simulation.datagrams, simulation.bytes, simulation.busy) = (0, 0, Some(Duration::ZERO));
    simulation.run_for(Duration::from_secs(SECONDS.into()));
    let busy = simulation.busy.take().unwrap();
    let each = members as f64 * f64::from(SECONDS);
    let share = u32::try_from(members).unwrap() * SECONDS;
    (simulation.datagrams as f64 / each, simulation.bytes as f64 / each, busy / share)
}

/// One in twenty dies, one in fifty leaves, and half of the dead come back.
fn churn(simulation: &mut Simulation, members: usize) -> Duration {
    let chosen = (0..members).sample(&mut simulation.rng, members / 20 + members / 50);
    let (leaving, dying) = chosen.split_at(members / 50);
    let now = simulation.now;
    for index in dying {
        simulation.nodes[*index].engine = None;
    }
    for index in leaving {
        simulation.act(*index, |engine| engine.leave(now));
    }
    let all = simulation.all();
    let took = simulation.agreement("churn", &all, Duration::from_secs(120));
    for index in &dying[..dying.len() / 2] {
        simulation.start(*index);
        let seed = (0..members).filter(|seed| simulation.is_up(*seed) && seed != index);
        let seed = seed.choose(&mut StdRng::seed_from_u64(1)).unwrap();
        simulation.join(*index, seed);
    }
    took + simulation.agreement("coming back", &all, Duration::from_secs(60))
}

/// Halves that see nothing of each other until each has given up the other.
fn part(simulation: &mut Simulation, members: usize) -> (Duration, Duration) {
    let halves = vec![(0..members / 2).collect::<Vec<_>>(), (members / 2..members).collect()];
    simulation.faults.partition(halves[0].iter().map(|index| address(*index)));
    let parted = simulation.agreement("partition", &halves, Duration::from_secs(180));
    simulation.faults.heal();
    let all = simulation.all();
    (parted, simulation.agreement("healing", &all, Duration::from_secs(180)))
}

fn stays_flat(sizes: &[usize]) {
    println!("{HEADER}");
    let row = |members: &usize| {
        let row = scenario(*members, 1);
        println!("{row}");
        row
    };
    let rows: Vec<Row> = sizes.iter().map(row).collect();
    for row in &rows[1..] {
        assert!(row.datagrams < rows[0].datagrams * 1.2, "{row:?}");
        assert!(row.bytes < rows[0].bytes * 1.2, "{row:?}");
    }
}

#[test]
fn each_member_sends_no_more_when_there_are_more() {
    stays_flat(&[20, 80]);
}

#[test]
#[ignore = "takes minutes unless it is optimised: cargo xtask simulate"]
fn a_thousand_members_join_churn_and_part() {
    let began = processor_time();
    stays_flat(&[100, 300, 1000]);
    // One thread that waits for nothing: it takes so long where it has a processor to itself.
    let took = processor_time() - began;
    assert!(took < Duration::from_secs(120), "{took:?}");
}

#[test]
fn whatever_the_seed_all_agree_in_the_end() {
    for seed in 2..6 {
        scenario(20, seed);
    }
}

/// Dies so long after a newcomer has greeted it; how long the newcomer then takes to know all others, if it can.
fn joined_through_one_that_dies(after: Duration) -> Option<Duration> {
    const MEMBERS: usize = 8;
    let mut simulation = Simulation::new(u64::try_from(after.as_micros()).unwrap());
    join_all(&mut simulation, MEMBERS);
    simulation.run_for(Duration::from_secs(30));
    simulation.start(MEMBERS);
    simulation.join(MEMBERS, 0);
    simulation.run_for(after);
    simulation.nodes[0].engine = None;
    let began = simulation.now;
    while simulation.now - began < Duration::from_secs(120) {
        let members = simulation.nodes[MEMBERS].engine.as_ref().unwrap().members().clone();
        let knows = |index: usize| members.alive().any(|known| known.member.gossip() == address(index));
        if (1..MEMBERS).all(knows) {
            return Some(simulation.now - began);
        }
        simulation.run_for(Duration::from_millis(100));
    }
    None
}

#[test]
fn a_newcomer_knows_all_soon_though_whoever_welcomed_it_has_died() {
    let times: Vec<Option<Duration>> =
        (3..60).map(|tenths| joined_through_one_that_dies(Duration::from_micros(tenths * 100))).collect();
    // Where nobody else has heard of it, nobody can tell it anything: it has to join again.
    let heard: Vec<Duration> = times.iter().flatten().copied().collect();
    assert!(heard.len() > 30, "{times:?}");
    assert!(heard.iter().all(|time| *time < Duration::from_secs(8)), "{times:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut simulation = Simulation::new(42);
        let joined = join_all(&mut simulation, 20);
        (joined, simulation.datagrams, simulation.bytes)
    };
    assert_eq!(run(), run());
}
