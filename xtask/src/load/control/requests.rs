use super::client::{Answer, Client};
use super::template::Template;
use crate::load::numbers::{percentiles, round};
use anyhow::Result;
use serde_json::{Value, json};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    addr: SocketAddr,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 1)]
    clients: usize,
    #[arg(long, default_value = "GET")]
    method: String,
    #[arg(long)]
    path: Template,
    #[arg(long, default_value = "")]
    body: Template,
    /// What each answer must hold
    #[arg(long, default_value = "")]
    expect: String,
    #[arg(long, default_value_t = 3.0)]
    secs: f64,
    /// So many requests, however long they take, instead
    #[arg(long)]
    total: Option<u64>,
}

/// Connections are opened and caches filled before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// A request without an answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all clients share; they run on one thread.
struct Shared {
    options: Options,
    sent: Cell<u64>,
    began: Instant,
}

#[derive(Default)]
struct Outcome {
    times: Vec<Duration>,
    failed: u64,
    why: Option<String>,
}

pub async fn run(options: Options) -> Result<Value> {
    let shared = Rc::new(Shared { options, sent: Cell::new(0), began: Instant::now() });
    let local = LocalSet::new();
    let mut clients = JoinSet::new();
    for client in 0..shared.options.clients {
        clients.spawn_local_on(run_client(client, shared.clone()), &local);
    }
    let outcomes = local.run_until(clients.join_all()).await;
    Ok(shared.sum(outcomes))
}

impl Shared {
    /// The number of the next request, while there is one.
    fn next(&self) -> Option<u64> {
        let number = self.sent.get();
        let over = match self.options.total {
            Some(total) => number >= total,
            None => self.began.elapsed() >= WARM_UP + Duration::from_secs_f64(self.options.secs),
        };
        self.sent.set(number + 1);
        (!over).then_some(number)
    }

    fn counts(&self, asked: Instant) -> bool {
        self.options.total.is_some() || asked.duration_since(self.began) >= WARM_UP
    }

    fn fault(&self, answer: &Answer) -> Option<String> {
        let held = memchr::memmem::find(&answer.body, self.options.expect.as_bytes()).is_some();
        (answer.status != 200 || !held).then(|| answer.excerpt())
    }

    fn sum(&self, outcomes: Vec<Outcome>) -> Value {
        let seconds = match self.options.total {
            Some(_) => self.began.elapsed().as_secs_f64(),
            None => self.options.secs,
        };
        let mut all = Outcome::default();
        for outcome in outcomes {
            all.times.extend(outcome.times);
            all.failed += outcome.failed;
            all.why = all.why.or(outcome.why);
        }
        json!({
            "per_s": round(all.times.len() as f64 / seconds, 1),
            "failed": all.failed,
            "why": all.why,
            "us": percentiles(all.times),
        })
    }
}

async fn run_client(number: usize, shared: Rc<Shared>) -> Outcome {
    let (mut outcome, mut open) = (Outcome::default(), None);
    let (mut path, mut body) = (String::new(), String::new());
    while let Some(request) = shared.next() {
        shared.options.path.fill(number, request, &mut path);
        shared.options.body.fill(number, request, &mut body);
        let asked = Instant::now();
        match exchange(&shared, &mut open, &path, &body).await {
            Ok(()) if shared.counts(asked) => outcome.times.push(asked.elapsed()),
            Ok(()) => {}
            Err(error) => {
                outcome.failed += 1;
                outcome.why.get_or_insert(format!("{error:#}"));
                open = None;
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
    outcome
}

/// On the connection that is open, if one is.
async fn exchange(shared: &Shared, open: &mut Option<Client>, path: &str, body: &str) -> Result<()> {
    let client = match open {
        Some(client) => client,
        None => open.insert(Client::dial(shared.options.addr).await?),
    };
    let answer = timeout(PATIENCE, client.call(&shared.options.method, path, body)).await??;
    match shared.fault(&answer) {
        Some(fault) => anyhow::bail!(fault),
        None => Ok(()),
    }
}
