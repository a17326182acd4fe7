use super::Target;
use super::numbers::round;
use super::protocol::{Role, open_within};
use super::usage::Sampler;
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// For what a proxy frees a little later.
const SETTLE: Duration = Duration::from_secs(2);

pub async fn run(target: &Target, connections: usize) -> Result<Value> {
    let sampler = Sampler::start(&target.pid);
    let idle = sampler.first().rss_kib;
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        held.push(open_within(target.addr, Role::Echo, Duration::from_secs(10)).await?);
    }
    sleep(SETTLE).await;
    let grown = sampler.used().rss_kib as f64 - idle as f64;
    let mut alive = 0;
    for stream in &mut held {
        alive += usize::from(answers(stream).await);
    }
    Ok(json!({
        "kib_per_connection": round(grown / connections.max(1) as f64, 2),
        "idle_mib": round(idle as f64 / 1024.0, 1),
        "alive": alive,
        "failed": connections - alive,
    }))
}

async fn answers(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"x").await.is_err() {
        return false;
    }
    matches!(timeout(Duration::from_secs(5), stream.read_exact(&mut [0])).await, Ok(Ok(_)))
}
