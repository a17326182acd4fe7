use super::numbers::{mean, percentiles};
use super::protocol::{READY, Role};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const WARM_UP: Duration = Duration::from_millis(300);

/// Times the call of connect() alone: on the loopback, the kernel has made the connection when it returns.
pub fn run(address: SocketAddr, time: Duration) -> Result<Value> {
    let mut times = Vec::with_capacity(1 << 16);
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP + time {
        let asked = Instant::now();
        let stream = TcpStream::connect(address)?;
        let took = asked.elapsed();
        finish(stream)?;
        if asked.duration_since(begun) >= WARM_UP {
            times.push(took);
        }
    }
    Ok(json!({ "mean_us": mean(&times), "us": percentiles(times) }))
}

/// Waits until the application has accepted it, so that none of its work falls into the next one's time.
fn finish(mut stream: TcpStream) -> Result<()> {
    stream.write_all(&[Role::Quiet.byte()])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer != [READY] {
        bail!("that is not the benchmark's application: it answers {answer:?}");
    }
    // Ports would run out while closed connections linger.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}
