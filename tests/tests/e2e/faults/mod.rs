//! Three servers and a client agent, each on a host of its own, under load while something fails.
//!
//! Whatever it is: one order explains what all clients of keys and locks were answered, so that no acknowledged
//! write is lost and no consistent read is stale; no index goes back; and writes are accepted again soon.

mod disks;
mod partitions;
mod processes;
mod soak;

use mesh_tests::clock::FalseClock;
use mesh_tests::cluster::{Setting, TestCluster};
use mesh_tests::indexes::IndexWatch;
use mesh_tests::lan::Lan;
use mesh_tests::linearizable::{Running, Workload};
use mesh_tests::{netns, skip, within};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SERVERS: usize = 3;
/// The client agent's number.
const CLIENT: usize = SERVERS;
/// After so long without a sign of life a connection is given up and an election is over, on a busy machine too.
const SOON: Duration = Duration::from_secs(15);
/// What a client waits for an answer: others have been waiting meanwhile.
const PATIENCE: Duration = Duration::from_secs(4);

/// The cluster, what happens to it, and who watches.
struct Scene {
    cluster: TestCluster,
    lan: Lan,
    clocks: Vec<FalseClock>,
    load: Running,
    indexes: IndexWatch,
}

/// What a scene needs besides the cluster.
#[derive(Default)]
struct Props {
    config: Value,
    clocks: bool,
    seed: u64,
}

impl Scene {
    fn new(props: Props) -> Result<Self, String> {
        let lan = Lan::new(SERVERS + 1)?;
        let clocks = if props.clocks { SERVERS + 1 } else { 0 };
        let clocks = (0..clocks).map(|_| FalseClock::new()).collect::<Result<Vec<_>, _>>()?;
        let variables = clocks.iter().map(FalseClock::variables).collect();
        let setting = Setting { config: props.config, variables, ..Setting::default() };
        let mut cluster = TestCluster::on(&lan, SERVERS, setting);
        let client = cluster.add(&["-server=false"]);
        cluster.servers[client].wait_for_node("s0");
        cluster.gossip();
        let agents = cluster.agents();
        let indexes = IndexWatch::start(&agents, &["/v1/kv/load/?keys", "/v1/catalog/nodes"]);
        let (prefix, seed) = ("load".to_owned(), props.seed);
        let (clients, operations, patience, pace) = (6, usize::MAX, PATIENCE, Duration::ZERO);
        let load = Workload { agents, prefix, clients, operations, patience, pace, seed }.start();
        let scene = Self { cluster, lan, clocks, load, indexes };
        scene.writes_go_on("before anything has failed");
        Ok(scene)
    }

    /// The number of the server that leads.
    fn leader(&self) -> usize {
        self.cluster.wait_for_leader()
    }

    fn follower(&self) -> usize {
        (self.leader() + 1) % SERVERS
    }

    /// So many more writes are acknowledged, to whichever clients.
    #[track_caller]
    fn writes_go_on(&self, when: &str) {
        let (before, began) = (self.load.acknowledged(), Instant::now());
        let more = within(SOON, || (self.load.acknowledged() >= before + 60).then_some(()));
        let count = self.load.acknowledged() - before;
        assert!(more.is_some(), "{when}: {count} writes were accepted in {:?}", began.elapsed());
        println!("{when}: {count} writes in {:?}", began.elapsed());
    }

    /// This server accepts a write, or passes it on.
    #[track_caller]
    fn accepts(&self, server: usize, when: &str) {
        let began = Instant::now();
        let node = format!("n{}", self.load.acknowledged());
        let written = self.cluster.servers[server].write_within(SOON, &node);
        assert!(written.is_some(), "{when}: s{server} accepts no write for {:?}", began.elapsed());
        println!("{when}: s{server} accepts a write after {:?}", began.elapsed());
    }

    /// Everything works again, everywhere.
    fn end(self) {
        self.cluster.wait_for_leader();
        for agent in 0..=CLIENT {
            self.accepts(agent, "in the end");
        }
        self.load.stop();
        let acknowledged = self.load.acknowledged();
        let (unexplained, operations) = self.load.finish().unexplained();
        let answers = self.indexes.finish();
        println!("{operations} operations, {acknowledged} acknowledged writes; indexes: {answers:?}");
        assert!(unexplained.is_empty(), "{unexplained:#?}");
        assert!(answers.unwrap() > 100, "somebody has looked at the indexes");
    }
}

/// Runs on a network of its own, or says why that cannot be.
fn under_load(test: &'static str, props: Props, fails: impl FnOnce(&mut Scene) + Send + 'static) {
    let run = move || match Scene::new(props) {
        Ok(mut scene) => {
            fails(&mut scene);
            scene.end();
        }
        Err(reason) => skip(test, &reason),
    };
    if let Err(reason) = netns::isolated(run) {
        skip(test, &reason);
    }
}

/// Waits for something to become true while the fault lasts.
#[track_caller]
fn soon<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(SOON, look).unwrap_or_else(|| panic!("not within {SOON:?}: {what}"))
}

/// Snapshots early, and keeps little of the log that they replace.
fn compacting() -> Value {
    json!({"raft_snapshot_threshold": 60, "raft_trailing_logs": 10})
}
