use super::Target;
use super::numbers::round;
use super::protocol::{BLOCK, Role, open_within};
use super::usage::Sampler;
use anyhow::Result;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Before the clock starts, windows and buffers grow.
const WARM_UP: Duration = Duration::from_millis(500);

/// Only bytes that the far application has acknowledged count.
pub async fn run(target: &Target, connections: usize) -> Result<Value> {
    let moved = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let stream = open_within(target.addr, Role::Sink, Duration::from_secs(5)).await?;
        let (reader, writer) = stream.into_split();
        tasks.spawn(push(writer));
        tasks.spawn(count(reader, moved.clone()));
    }
    sleep(WARM_UP).await;
    let sampler = Sampler::start(&target.pid);
    let (before, begun) = (moved.load(Relaxed), Instant::now());
    sleep(target.time()).await;
    let (bytes, seconds) = (moved.load(Relaxed) - before, begun.elapsed().as_secs_f64());
    let used = sampler.used();
    let gib = (bytes as f64 / f64::from(1_u32 << 30)).max(1e-9);
    Ok(json!({
        "gbit_s": round(bytes as f64 * 8.0 / seconds / 1e9, 4),
        "cpu_s_per_gib": round(used.cpu_s / gib, 4),
        "bytes": bytes,
        "rss_kib": used.rss_kib,
    }))
}

async fn push(mut writer: OwnedWriteHalf) {
    let block = vec![0x5a; BLOCK];
    while writer.write_all(&block).await.is_ok() {}
}

async fn count(mut reader: OwnedReadHalf, moved: Arc<AtomicU64>) {
    let mut last = 0;
    while let Ok(total) = reader.read_u64().await {
        moved.fetch_add(total - last, Relaxed);
        last = total;
    }
}
