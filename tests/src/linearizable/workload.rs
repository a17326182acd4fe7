use super::Recorder;
use super::client::Client;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Clients that ask at random, each over all the agents.
#[derive(Clone, Debug)]
pub struct Workload {
    pub agents: Vec<SocketAddr>,
    /// Of all keys. There are few at a time, so that clients meet, and others after a while, so that no key's
    /// history grows long.
    pub prefix: String,
    pub clients: usize,
    /// How much each client asks, if it is not stopped before.
    pub operations: usize,
    /// How long a client waits for an answer.
    pub patience: Duration,
    /// From one question of a client to its next one, at least.
    pub pace: Duration,
    /// One seed, one choice of requests.
    pub seed: u64,
}

/// What the clients of one workload share.
#[derive(Default)]
pub(super) struct Common {
    pub(super) recorder: Recorder,
    /// Given out to requests, so that every write writes another number.
    pub(super) numbers: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) stop: AtomicBool,
}

/// A workload under way.
pub struct Running {
    workload: Workload,
    common: Arc<Common>,
    clients: Vec<JoinHandle<()>>,
}

impl Workload {
    /// # Panics
    /// No agent makes a session.
    pub fn start(self) -> Running {
        let common = Arc::<Common>::default();
        let client = |id| {
            let client = Client::new(self.clone(), common.clone(), id);
            std::thread::spawn(move || client.run())
        };
        let clients = (0..self.clients).map(client).collect();
        Running { workload: self, common, clients }
    }
}

impl Running {
    /// Writes that were acknowledged until now.
    pub fn acknowledged(&self) -> u64 {
        self.common.acknowledged.load(Ordering::Relaxed)
    }

    /// Asks no more than what is asked already.
    pub fn stop(&self) {
        self.common.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the clients' last answers, and reads every key once more through every agent.
    ///
    /// # Panics
    /// A client panicked, or an agent does not answer.
    pub fn finish(self) -> Recorder {
        for client in self.clients {
            client.join().expect("a client does not panic");
        }
        let keys = self.common.recorder.keys();
        for (number, agent) in self.workload.agents.iter().enumerate() {
            let only = Workload { agents: vec![*agent], ..self.workload.clone() };
            let mut reader = Client::new(only, self.common.clone(), self.workload.clients + number);
            keys.iter().for_each(|key| reader.read_in_the_end(key));
        }
        let common = Arc::into_inner(self.common).expect("all clients have ended");
        common.recorder
    }
}
