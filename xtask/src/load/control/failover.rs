use super::client::Client;
use crate::load::numbers::round;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

#[derive(clap::Args)]
pub struct Options {
    /// The leader's process, which is killed
    #[arg(long)]
    pid: i32,
    /// The other servers
    #[arg(long)]
    addr: Vec<SocketAddr>,
}

/// A new write is sent so often, to one server after the other, whatever became of the earlier ones.
const BEAT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(options: &Options) -> Result<Value> {
    let began = Instant::now();
    kill(Pid::from_raw(options.pid), Signal::SIGKILL).context("killing the leader")?;
    timeout(PATIENCE, first_write(&options.addr)).await.context("no server takes a write after 60 s")?;
    Ok(json!({ "ms": round(began.elapsed().as_secs_f64() * 1e3, 1), "failed": 0 }))
}

async fn first_write(servers: &[SocketAddr]) {
    let (mut beats, mut writes) = (interval(BEAT), JoinSet::new());
    let mut turns = servers.iter().copied().cycle();
    loop {
        tokio::select! {
            _ = beats.tick() => drop(turns.next().map(|server| writes.spawn(write(server)))),
            Some(Ok(Ok(()))) = writes.join_next(), if !writes.is_empty() => return,
        }
    }
}

async fn write(server: SocketAddr) -> Result<()> {
    let answer = Client::dial(server).await?.call("PUT", "/v1/kv/failover", "first").await?;
    if answer.status != 200 {
        bail!("a write is answered {}", answer.excerpt());
    }
    Ok(())
}
