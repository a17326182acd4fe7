use super::Target;
use super::numbers::percentiles;
use super::protocol::{Role, open_within};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const WARM_UP: Duration = Duration::from_millis(300);

pub async fn run(target: &Target, size: usize) -> Result<Value> {
    let mut stream = open_within(target.addr, Role::Echo, Duration::from_secs(5)).await?;
    let (question, mut answer) = (vec![0x42; size], vec![0; size]);
    let mut times = Vec::with_capacity(1 << 18);
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP + target.time() {
        let asked = Instant::now();
        stream.write_all(&question).await?;
        stream.read_exact(&mut answer).await?;
        if asked.duration_since(begun) >= WARM_UP {
            times.push(asked.elapsed());
        }
    }
    Ok(json!({ "us": percentiles(times) }))
}
