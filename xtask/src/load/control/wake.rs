use super::client::Client;
use crate::load::numbers::percentiles;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    addr: SocketAddr,
    /// Writes, one after the other
    #[arg(long, default_value_t = 100)]
    writes: u32,
}

const KEY: &str = "/v1/kv/watched";
/// For the watcher to be in its query again.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// From just before the write is sent until the watcher has its whole answer.
pub async fn run(options: &Options) -> Result<Value> {
    let mut writer = Client::dial(options.addr).await?;
    write(&mut writer, "begin").await?;
    let (sender, mut woken) = mpsc::channel(1);
    let mut watcher = JoinSet::new();
    watcher.spawn(watch(options.addr, sender));
    next(&mut woken).await?;
    let mut times = Vec::new();
    for number in 0..options.writes {
        sleep(PAUSE).await;
        let began = Instant::now();
        write(&mut writer, &format!("{}-{number}", std::process::id())).await?;
        times.push(next(&mut woken).await?.saturating_duration_since(began));
    }
    Ok(json!({ "us": percentiles(times), "failed": 0 }))
}

async fn next(woken: &mut mpsc::Receiver<Result<Instant>>) -> Result<Instant> {
    let told = timeout(PATIENCE, woken.recv()).await.context("the watcher was not woken in 10 s")?;
    told.context("the watcher has ended")?
}

async fn write(client: &mut Client, value: &str) -> Result<()> {
    let answer = client.call("PUT", KEY, value).await?;
    if answer.status != 200 || !answer.body.starts_with(b"true") {
        bail!("a write is answered {}", answer.excerpt());
    }
    Ok(())
}

/// Tells each time that an answer has come with something new.
async fn watch(address: SocketAddr, woken: mpsc::Sender<Result<Instant>>) {
    let watched = async {
        let mut client = Client::dial(address).await?;
        let mut index = 0;
        loop {
            let answer = client.call("GET", &format!("{KEY}?wait=60s&index={index}"), "").await?;
            let now = Instant::now();
            if answer.status != 200 {
                bail!("a blocking query is answered {}", answer.excerpt());
            }
            if answer.index != index && woken.send(Ok(now)).await.is_err() {
                return Ok(());
            }
            index = answer.index;
        }
    };
    if let Err(error) = watched.await {
        // Nobody listens any more where the measurement is over.
        let _ = woken.send(Err(error)).await;
    }
}
