//! A loaded hour in which nobody may stand for election: `cargo xtask test steady`.

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::linearizable::Workload;
use mesh_tests::wait::pause_for;
use std::time::{Duration, Instant};

const SERVERS: usize = 3;
const CLIENTS: u32 = 16;
/// Between two looks at who leads.
const LOOK: Duration = Duration::from_millis(100);
const MINUTE: Duration = Duration::from_secs(60);

fn from_environment(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Who leads, and in which term.
#[derive(Clone, Debug, PartialEq)]
struct Reign {
    leader: String,
    term: u64,
}

impl Reign {
    /// As the leader has it; nothing while nobody says that it leads.
    fn now(cluster: &TestCluster) -> Option<Self> {
        cluster.servers.iter().find_map(|server| {
            let health = server.try_request("GET", "/v1/operator/autopilot/health", b"")?.json();
            let servers = health["Servers"].as_array()?;
            let leader = servers.iter().find(|row| row["Leader"] == true)?["Address"].as_str()?.to_owned();
            let term = servers.iter().filter_map(|row| row["LastTerm"].as_u64()).max()?;
            (leader == server.address()).then_some(Self { leader, term })
        })
    }
}

/// What was seen in a minute.
#[derive(Default)]
struct Minute {
    acknowledged: u64,
    /// This process wanted to go on so much earlier: how long the machine keeps threads waiting, at most.
    late: Duration,
}

impl Minute {
    fn tell(&self, number: u32, reign: &Reign) {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        let Self { acknowledged, late } = self;
        println!(
            "minute {number}: {acknowledged} writes, load {load}, a thread was {late:?} late at most, {reign:?}"
        );
    }
}

/// What servers have said of elections, since they started.
fn said_of_elections(cluster: &TestCluster) -> Vec<String> {
    let said = |server: &TestServer| -> Vec<String> {
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("election"));
        lines.map(|line| format!("{}: {line}", server.name)).collect()
    };
    cluster.servers.iter().flat_map(said).collect()
}

/// Watches for so long, and says which other reigns followed the first.
fn watch(cluster: &TestCluster, minutes: u32, acknowledged: impl Fn() -> u64) -> Vec<(Duration, Reign)> {
    let began = Instant::now();
    let mut reign = Reign::now(cluster).expect("somebody leads at first");
    let mut changes = Vec::new();
    for number in 1..=minutes {
        let (mut minute, before) = (Minute::default(), acknowledged());
        while began.elapsed() < MINUTE * number {
            let asleep = Instant::now();
            pause_for(LOOK);
            minute.late = minute.late.max(asleep.elapsed().saturating_sub(LOOK));
            let now = Reign::now(cluster).filter(|now| *now != reign);
            if let Some(now) = now {
                println!("after {:?}: {now:?} follows {reign:?}", began.elapsed());
                changes.push((began.elapsed(), now.clone()));
                reign = now;
            }
        }
        minute.acknowledged = acknowledged() - before;
        minute.tell(number, &reign);
    }
    changes
}

#[test]
#[ignore = "takes an hour: cargo xtask test steady"]
fn nobody_stands_for_election_while_the_leader_lives() {
    let minutes = from_environment("MESH_STEADY_MINUTES", 60);
    let rate = from_environment("MESH_STEADY_RATE", 400);
    let cluster = TestCluster::start(SERVERS);
    let load = Workload {
        agents: cluster.agents(),
        prefix: "steady".to_owned(),
        clients: CLIENTS as usize,
        operations: usize::MAX,
        patience: MINUTE,
        pace: Duration::from_secs(1) * CLIENTS / rate,
        seed: 1,
    };
    let load = load.start();
    let before = said_of_elections(&cluster);
    let changes = watch(&cluster, minutes, || load.acknowledged());
    load.stop();
    let acknowledged = load.acknowledged();
    println!("{acknowledged} acknowledged writes in {minutes} minutes; other reigns: {changes:?}");
    let mut said = said_of_elections(&cluster);
    said.retain(|line| !before.contains(line));
    said.iter().for_each(|line| println!("{line}"));
    let (unexplained, operations) = load.finish().unexplained();
    println!("{operations} operations explained");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(changes.is_empty() && said.is_empty(), "{changes:?}\n{said:#?}");
    let least = u64::from(rate * minutes * 60 / 4);
    assert!(acknowledged >= least, "{acknowledged} writes are no load: {least} were wanted");
}
