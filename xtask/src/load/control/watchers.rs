use super::client::Client;
use crate::load::numbers::round;
use crate::load::usage::Sampler;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    addr: SocketAddr,
    /// The server's process
    #[arg(long)]
    pid: u32,
    #[arg(long, default_value_t = 10_000)]
    watchers: usize,
    #[arg(long, default_value_t = 5.0)]
    secs: f64,
}

/// Keys that are watched; nobody writes them any more.
const KEYS: usize = 100;
/// Until the last query is in its wait, and what opening them made is done.
const SETTLE: Duration = Duration::from_secs(3);
/// So many at a time are opened, within the backlog of any server.
const GROUP: usize = 100;

pub async fn run(options: &Options) -> Result<Value> {
    let mut writer = Client::dial(options.addr).await?;
    for key in 0..KEYS {
        writer.call("PUT", &path(key), "quiet").await?;
    }
    let without = Sampler::start(&[options.pid]).first().rss_kib;
    let mut waiting = open(options).await?;
    sleep(SETTLE).await;
    let sampler = Sampler::start(&[options.pid]);
    let began = Instant::now();
    sleep(Duration::from_secs_f64(options.secs)).await;
    let (used, passed) = (sampler.used(), began.elapsed().as_secs_f64());
    let mut failed = 0;
    while waiting.try_join_next().is_some() {
        failed += 1;
    }
    let grown = used.rss_kib.saturating_sub(without) as f64;
    Ok(json!({
        "cpu_percent": round(used.cpu_s * 100.0 / passed, 2),
        "kib_per_watcher": round(grown / options.watchers as f64, 2),
        "failed": failed,
    }))
}

fn path(key: usize) -> String {
    format!("/v1/kv/quiet/{key}")
}

async fn open(options: &Options) -> Result<JoinSet<()>> {
    let mut waiting = JoinSet::new();
    let mut opened = 0;
    while opened < options.watchers {
        let mut group = JoinSet::new();
        for watcher in opened..options.watchers.min(opened + GROUP) {
            group.spawn(begin(options.addr, path(watcher % KEYS)));
        }
        opened += group.len();
        for begun in group.join_all().await {
            let (client, index, path) = begun?;
            waiting.spawn(wait(client, index, path));
        }
    }
    Ok(waiting)
}

/// A connection that knows the index to wait behind.
async fn begin(address: SocketAddr, path: String) -> Result<(Client, u64, String)> {
    let mut client = Client::dial(address).await?;
    let answer = client.call("GET", &path, "").await?;
    if answer.status != 200 {
        bail!("a watcher's first query is answered {}", answer.excerpt());
    }
    Ok((client, answer.index, path))
}

/// Ends only where the server answers, which it has no reason to.
async fn wait(mut client: Client, index: u64, path: String) {
    // Whatever ends it, it is counted.
    let _ = client.call("GET", &format!("{path}?index={index}&wait=10m"), "").await;
}
