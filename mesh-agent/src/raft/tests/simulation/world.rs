use super::super::*;
use super::wire::{Network, Wire};
use crate::raft::files::simulated::SimulatedFileSystem;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Machines with disks on one network, and what is known of all of them together.
pub(super) struct World {
    pub(super) network: Arc<Network>,
    pub(super) count: u64,
    seed: u64,
    machines: Mutex<BTreeMap<u64, Machine>>,
    violations: Mutex<Vec<String>>,
    /// The largest index that a confirmed read has had.
    confirmed: Mutex<u64>,
}

#[derive(Default)]
struct Machine {
    disk: SimulatedFileSystem,
    up: Option<Up>,
    starts: u64,
}

/// A server that runs, or believes so.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) node: Arc<RaftNode>,
    pub(super) store: Arc<Store>,
    /// Its machine has no power any more: whatever it says now nobody hears.
    pub(super) dead: Shutdown,
    alive: Arc<AtomicBool>,
    seen: Arc<Mutex<u64>>,
}

pub(super) fn address(id: u64) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(id).unwrap()], 8300))
}

impl World {
    pub(super) fn new(seed: u64, count: u64) -> Self {
        let machine = |id| (id, Machine { disk: SimulatedFileSystem::at_once(), ..Machine::default() });
        Self {
            network: Arc::new(Network::new(seed)),
            count,
            seed,
            machines: Mutex::new((1..=count).map(machine).collect()),
            violations: Mutex::default(),
            confirmed: Mutex::default(),
        }
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<u64, Machine>> {
        self.machines.lock().unwrap()
    }

    pub(super) fn up(&self, id: u64) -> Option<Up> {
        self.machines().get(&id)?.up.clone()
    }

    pub(super) fn disk(&self, id: u64) -> SimulatedFileSystem {
        self.machines()[&id].disk.clone()
    }

    /// The server at this address.
    pub(super) fn at(&self, at: &str) -> Option<Up> {
        (1..=self.count).find(|id| address(*id).to_string() == at).and_then(|id| self.up(id))
    }

    /// Whoever says that it leads.
    pub(super) fn leader(&self) -> Option<(u64, Up)> {
        let up = (1..=self.count).filter_map(|id| Some((id, self.up(id)?)));
        up.into_iter().find(|(_, up)| up.node.leads())
    }

    /// With what its disk has.
    pub(super) async fn start(&self, id: u64) {
        let (disk, starts) = {
            let mut machines = self.machines();
            let machine = machines.get_mut(&id).unwrap();
            machine.starts += 1;
            (machine.disk.clone(), machine.starts)
        };
        let (store, dead) = (Arc::<Store>::default(), Shutdown::new());
        let alive = Arc::new(AtomicBool::new(true));
        let from = address(id).to_string();
        let wire = Wire { network: self.network.clone(), from: from.clone(), alive: alive.clone() };
        let options = RaftOptions {
            founding: Founding::Together,
            compaction: Compaction { entries: 20 + 20 * (self.seed % 5), keep: 5, ..Compaction::default() },
            segment_size: 8 << 10,
            seed: self.seed ^ (id << 32) ^ starts,
            ..RaftOptions::new(id, address(id), Storage::Directory("/raft".into()))
        };
        let started =
            RaftNode::start_on(Arc::new(disk), options, store.clone(), Arc::new(wire), dead.clone()).await;
        let node = match started {
            Ok(node) => Arc::new(node),
            Err(error) => return self.violated(format!("{id} does not start with what it has: {error}")),
        };
        self.network.connect(&from, &node);
        let up = Up { node, store, dead, alive, seen: Arc::default() };
        self.machines().get_mut(&id).unwrap().up = Some(up);
    }

    /// The power fails. What was not synced may have reached the disk in part.
    pub(super) fn crash(&self, id: u64, random: &mut StdRng) {
        self.network.disconnect(&address(id).to_string());
        let mut machines = self.machines();
        let machine = machines.get_mut(&id).unwrap();
        machine.disk = machine.disk.after_power_loss_with_remains(|| random.random_bool(0.5));
        if let Some(up) = machine.up.take() {
            up.alive.store(false, Ordering::Relaxed);
            up.dead.begin();
        }
    }

    pub(super) fn violated(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }

    /// What must never be and was.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut all = self.violations.lock().unwrap().clone();
        all.extend(self.network.violations());
        all
    }

    /// No read that begins from now on may have less.
    pub(super) fn confirmed(&self) -> u64 {
        *self.confirmed.lock().unwrap()
    }

    /// A read that began when `before` was confirmed has this index, on this server.
    pub(super) fn confirm(&self, id: u64, up: &Up, before: u64) {
        let index = up.store.state().applied();
        if index < before {
            self.violated(format!("a confirmed read of {id} has index {index}, after one with {before}"));
        }
        let mut seen = up.seen.lock().unwrap();
        if index < *seen {
            self.violated(format!("index {index} of {id} follows {}", *seen));
        }
        *seen = index;
        let mut confirmed = self.confirmed.lock().unwrap();
        *confirmed = index.max(*confirmed);
    }
}
