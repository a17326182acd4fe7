use super::super::*;
use super::client::{Client, session};
use super::world::{World, address};
use crate::state::Command;
use crate::state::fixtures::register_service;
use mesh_tests::linearizable::{Outcome, Recorder};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use tokio::time::{Instant, sleep};

/// What a schedule came to.
pub(super) struct Ending {
    /// What happened, with the millisecond.
    pub(super) story: Vec<String>,
    pub(super) violations: Vec<String>,
    pub(super) operations: usize,
    pub(super) checksum: u32,
}

/// One run under one seed.
struct Teller {
    world: Rc<World>,
    random: StdRng,
    began: Instant,
    story: Vec<String>,
}

const CLIENTS: usize = 4;
/// How long things fail, and how long all may take to be well again.
const TROUBLE: Duration = Duration::from_secs(12);
const RECOVERY: Duration = Duration::from_secs(30);

/// Begins with a sound cluster, lets things fail, and lets it recover.
pub(super) async fn tell(seed: u64) -> Ending {
    let mut random = StdRng::seed_from_u64(seed);
    let count = if random.random_bool(0.7) { 3 } else { 5 };
    let world = Rc::new(World::new(seed, count));
    let mut teller = Teller { world: world.clone(), random, began: Instant::now(), story: Vec::new() };
    teller.found().await;
    let recorder = Rc::new(Recorder::default());
    let first = Client::new(world.clone(), recorder.clone(), 0, seed);
    let (numbers, stop) = (first.numbers.clone(), first.stop.clone());
    let client = |id| {
        let mut client = Client::new(world.clone(), recorder.clone(), id, seed);
        (client.numbers, client.stop) = (numbers.clone(), stop.clone());
        client.run()
    };
    let clients = futures_util::future::join_all((0..CLIENTS).map(client));
    let trouble = async {
        teller.trouble().await;
        teller.recover().await;
        stop.set(true);
    };
    tokio::join!(clients, trouble);
    teller.compare(&recorder, seed).await;
    drop(first);
    let recorder = Rc::into_inner(recorder).expect("all clients have ended");
    let (unexplained, operations) = recorder.unexplained();
    let mut violations = world.violations();
    violations.extend(unexplained.into_iter().map(|(key, history)| format!("{key}: {history}")));
    Ending { story: teller.story, violations, operations, checksum: world.network.checksum() }
}

impl Teller {
    fn note(&mut self, what: &str) {
        self.story.push(format!("{:>6} {what}", self.began.elapsed().as_millis()));
    }

    fn anybody(&mut self) -> u64 {
        self.random.random_range(1..=self.world.count)
    }

    async fn found(&mut self) {
        for id in 1..=self.world.count {
            self.world.start(id).await;
        }
        let members = (1..=self.world.count).map(|id| (id, address(id))).collect();
        self.world.up(1).unwrap().node.found(&members).await.unwrap();
        self.leader().await;
        self.write(register_service("n1", "web", "web")).await;
        for client in 0..CLIENTS {
            self.write(Command::CreateSession(Box::new(session(client)))).await;
        }
    }

    async fn write(&mut self, command: Command) {
        let (_, up) = self.leader().await;
        up.node.write(command).await.unwrap();
    }

    async fn leader(&mut self) -> (u64, super::world::Up) {
        loop {
            if let Some(leader) = self.world.leader() {
                return leader;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn trouble(&mut self) {
        let end = Instant::now() + TROUBLE;
        while Instant::now() < end {
            sleep(Duration::from_millis(self.random.random_range(20..900))).await;
            self.misfortune().await;
        }
    }

    async fn misfortune(&mut self) {
        let (id, other) = (self.anybody(), self.anybody());
        let name = |id: u64| address(id).to_string();
        match self.random.random_range(0..14) {
            0 => self.isolate(id, true, true),
            1 => self.isolate(id, true, false),
            2 => self.isolate(id, false, true),
            3 => {
                self.note(&format!("{other} does not hear {id}"));
                self.world.network.cut(&name(id), &name(other));
            }
            4 | 5 => {
                self.note("the network is whole");
                self.world.network.heal();
            }
            6 => {
                let (lost, late) = (self.random.random_range(0..30), self.random.random_range(5..400));
                self.note(&format!("{lost} of 100 messages are lost, others take up to {late} ms"));
                self.world.network.spoil(lost, 10, Duration::from_millis(late));
            }
            7 | 8 => self.crash(id),
            9 => {
                let syncs = self.random.random_range(0..4);
                self.note(&format!("{id} has {syncs} more syncs"));
                self.world.disk(id).fail_syncs_after(syncs);
            }
            10 => self.transfer().await,
            _ => self.revive().await,
        }
    }

    fn isolate(&mut self, id: u64, out: bool, into: bool) {
        self.note(&format!("{id} is cut off (out: {out}, in: {into})"));
        for other in (1..=self.world.count).filter(|other| *other != id) {
            let [one, two] = [address(id), address(other)].map(|address| address.to_string());
            if out {
                self.world.network.cut(&one, &two);
            }
            if into {
                self.world.network.cut(&two, &one);
            }
        }
    }

    fn crash(&mut self, id: u64) {
        self.note(&format!("{id} has no power"));
        self.world.crash(id, &mut self.random);
    }

    async fn transfer(&mut self) {
        if let Some((id, up)) = self.world.leader() {
            self.note(&format!("{id} is to hand over the lead"));
            let _ = up.node.transfer(None).await;
        }
    }

    /// Those without power start, and those whose disk has failed start anew.
    async fn revive(&mut self) {
        for id in 1..=self.world.count {
            let failed = match self.world.up(id) {
                Some(up) => up.node.has_stopped(),
                None => true,
            };
            if failed {
                self.crash(id);
                self.note(&format!("{id} starts"));
                self.world.start(id).await;
            }
        }
    }

    async fn recover(&mut self) {
        self.note("everything is well again");
        self.world.network.heal();
        let began = Instant::now();
        // Disks that were about to fail are as good as new.
        for id in 1..=self.world.count {
            self.crash(id);
        }
        self.revive().await;
        while self.world.leader().is_none() {
            if began.elapsed() > RECOVERY {
                return self.world.violated(format!("nobody leads after {RECOVERY:?}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.note("there is a leader");
    }

    /// A last look at every key through anybody, and at the states of all.
    async fn compare(&mut self, recorder: &Rc<Recorder>, seed: u64) {
        let mut client = Client::new(self.world.clone(), recorder.clone(), CLIENTS, seed);
        let marker = register_service("n1", "end", "end");
        let began = Instant::now();
        while client.agree(&marker).await != Outcome::Done(true) {
            if began.elapsed() > RECOVERY {
                return self.world.violated("no write is accepted in the end".to_owned());
            }
            sleep(Duration::from_millis(10)).await;
        }
        for key in recorder.keys() {
            while client.read(&key).await.is_none() {
                if began.elapsed() > RECOVERY {
                    return self.world.violated(format!("{key} is not read in the end"));
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        self.agree_on_everything().await;
    }

    async fn agree_on_everything(&mut self) {
        let (_, leader) = self.leader().await;
        let state = leader.store.state();
        let log = leader.node.committed_log().await.unwrap();
        for id in 1..=self.world.count {
            // One that did not start is a violation already.
            let Some(up) = self.world.up(id) else { continue };
            if !up.node.applies(log, RECOVERY).await {
                self.world.violated(format!("{id} does not catch up"));
            } else if up.store.state().snapshot().unwrap() != state.snapshot().unwrap() {
                self.world.violated(format!("{id} has another state than the leader"));
            }
        }
    }
}
