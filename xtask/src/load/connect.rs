use super::Target;
use super::numbers::{percentiles, round};
use super::protocol::{Role, open};
use super::usage::Sampler;
use anyhow::Result;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const WARM_UP: Duration = Duration::from_millis(300);

pub async fn run(target: &Target, clients: usize) -> Result<Value> {
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(client(target.addr, target.time()));
    }
    let sampler = Sampler::start(&target.pid);
    let (mut times, mut failed) = (Vec::new(), 0);
    for (client_times, client_failed) in tasks.join_all().await {
        times.extend(client_times);
        failed += client_failed;
    }
    let per_connection = sampler.used().cpu_s * 1e3 / times.len().max(1) as f64;
    Ok(json!({
        "per_s": round(times.len() as f64 / target.secs, 1),
        "failed": failed,
        "cpu_ms_per_connection": round(per_connection, 4),
        "us": percentiles(times),
    }))
}

/// Opens one connection after the other.
async fn client(address: SocketAddr, time: Duration) -> (Vec<Duration>, u64) {
    let (mut times, mut failed) = (Vec::new(), 0);
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP + time {
        let asked = Instant::now();
        match timeout(Duration::from_secs(5), open(address, Role::Quiet)).await {
            Ok(Ok(_)) if asked.duration_since(begun) >= WARM_UP => times.push(asked.elapsed()),
            Ok(Ok(_)) => {}
            _ => {
                failed += 1;
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
    (times, failed)
}
