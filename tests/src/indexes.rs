//! Readers of an agent's answers who remember the index of the last one: it never goes back.

use crate::http;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long an answer may take: there will be others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads over and over until it is stopped.
pub struct IndexWatch {
    stop: Arc<AtomicBool>,
    readers: Vec<JoinHandle<Result<u64, String>>>,
}

/// What one reader asks of whom.
struct Reader {
    agents: Vec<SocketAddr>,
    target: String,
    stop: Arc<AtomicBool>,
}

impl IndexWatch {
    /// Each agent is asked for each of these on its own, as fresh as its default is; and one reader goes round all
    /// agents and asks for what is `consistent`, which is the same wherever it is asked.
    pub fn start(agents: &[SocketAddr], targets: &[&str]) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let with = |target: &str, query: &str| {
            format!("{target}{}{query}", if target.contains('?') { '&' } else { '?' })
        };
        let mut readers = Vec::new();
        for target in targets {
            let alone = agents.iter().map(|agent| (vec![*agent], (*target).to_owned()));
            let round = (agents.to_vec(), with(target, "consistent"));
            for (agents, target) in alone.chain([round]) {
                let reader = Reader { agents, target, stop: stop.clone() };
                readers.push(std::thread::spawn(move || reader.run()));
            }
        }
        Self { stop, readers }
    }

    /// How many answers there were.
    ///
    /// # Errors
    /// Which answer had a smaller index than one before it.
    pub fn finish(self) -> Result<u64, String> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.readers.into_iter().map(|reader| reader.join().expect("a reader does not panic"));
        ended.sum()
    }
}

impl Reader {
    fn run(self) -> Result<u64, String> {
        let (mut newest, mut answers) = (0, 0);
        for agent in self.agents.iter().cycle() {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some(index) = self.ask(*agent) {
                if index < newest {
                    return Err(format!("{agent} {}: index {index} after {newest}", self.target));
                }
                (newest, answers) = (index, answers + 1);
            }
            crate::wait::pause();
        }
        Ok(answers)
    }

    /// Nothing where there is no answer, or none that is as fresh as was asked.
    fn ask(&self, agent: SocketAddr) -> Option<u64> {
        let answer = http::request_at(agent, PATIENCE, "GET", &self.target, b"").ok()?;
        matches!(answer.status, 200 | 404).then(|| answer.header("x-consul-index")?.parse().ok())?
    }
}
