//! Certificates through days of their life in milliseconds, under a CA that does what a test says.
//!
//! The CA here is only as much of one as answers requests; the real one is not known to this room.

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::model::{CaRoot, Datacenter, IssuedCert, ServiceName};
use crate::state::CaView;
use crate::task::{Shutdown, TaskGroup};
use authority::{Authority, Behaviour};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

mod answers;
mod authority;
mod life;
mod restart;

/// 2030-01-01.
const START: u64 = 1_893_456_000;
const HOUR: u64 = 3600;
const LIFE: u64 = 72 * HOUR;

fn name(service: &str) -> ServiceName {
    ServiceName::new(service).unwrap()
}

/// A node's manager, its clock, and the CA it asks.
struct World {
    clock: Clock,
    authority: Arc<Authority>,
    roots: watch::Sender<CaView>,
    manager: LeafManager,
    shutdown: Shutdown,
    tasks: TaskGroup,
}

/// What a test varies.
struct Setup {
    directory: Option<PathBuf>,
    max_services: usize,
    seed: u64,
    roots_known: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { directory: None, max_services: 100, seed: 7, roots_known: true }
    }
}

impl World {
    fn new() -> Self {
        Self::with(Setup::default())
    }

    fn with(setup: Setup) -> Self {
        let clock = Clock::manual(Timestamp(START * 1000));
        Self::start(setup, Arc::new(Authority::new(clock.clone())), clock)
    }

    fn start(setup: Setup, authority: Arc<Authority>, clock: Clock) -> Self {
        let known = if setup.roots_known { authority.view() } else { view(vec![]) };
        let roots = watch::Sender::new(known);
        let Setup { directory, max_services, seed, .. } = setup;
        let datacenter = Datacenter::new("dc1").unwrap();
        let options = LeafOptions { datacenter, directory, clock: clock.clone(), seed, max_services };
        let (manager, keeper) = LeafManager::new(options, authority.clone(), roots.subscribe());
        let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
        tasks.spawn("leaf keeper", keeper.run(shutdown.clone()));
        Self { clock, authority, roots, manager, shutdown, tasks }
    }

    /// The agent again, with the same CA and whatever was left on disk.
    async fn restart(self, directory: PathBuf, seed: u64) -> Self {
        let (authority, clock) = (self.authority.clone(), self.clock.clone());
        self.stop().await;
        Self::start(Setup { directory: Some(directory), seed, ..Setup::default() }, authority, clock)
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.tasks.finish().await;
    }

    fn now(&self) -> u64 {
        self.clock.now().seconds()
    }

    /// Lets both clocks run, minute by minute, and calls `look` after each.
    async fn run_for(&self, seconds: u64, mut look: impl FnMut(u64)) {
        let end = self.now() + seconds;
        while self.now() < end {
            let step = (end - self.now()).min(60);
            self.clock.set(Timestamp((self.now() + step) * 1000));
            // The keeper's own timers, which are set to the same moments, come first.
            tokio::time::sleep(Duration::from_millis(step * 1000 + 1)).await;
            look(self.now());
        }
    }

    async fn fetch(&self, service: &str) -> Result<Arc<IssuedCert>, LeafError> {
        self.manager.fetch(&name(service), 0, Duration::ZERO).await
    }

    fn behave(&self, behaviour: Behaviour) {
        self.authority.behave(behaviour);
    }

    async fn tell_roots(&self) {
        self.roots.send_replace(self.authority.view());
        // Heard before the clock is moved.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn view(roots: Vec<CaRoot>) -> CaView {
    CaView { config: None, roots: Arc::new(roots), index: 1 }
}
