use crate::load::numbers::{percentiles, round};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    addr: SocketAddr,
    #[arg(long)]
    name: String,
    /// Addresses that each answer must have
    #[arg(long, default_value_t = 1)]
    answers: u16,
    #[arg(long, default_value_t = 3.0)]
    secs: f64,
}

const SOCKETS: usize = 8;
/// Questions of one socket that wait for their answer.
const OUTSTANDING: u16 = 8;
/// A question without an answer for so long is lost.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Outcome {
    times: Vec<Duration>,
    failed: u64,
}

pub async fn run(options: &Options) -> Result<Value> {
    let mut sockets = JoinSet::new();
    for _ in 0..SOCKETS {
        let time = Duration::from_secs_f64(options.secs);
        sockets.spawn(ask(options.addr, question(&options.name), options.answers, time));
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    for outcome in sockets.join_all().await {
        let outcome = outcome?;
        times.extend(outcome.times);
        failed += outcome.failed;
    }
    Ok(json!({
        "per_s": round(times.len() as f64 / options.secs, 1),
        "failed": failed,
        "us": percentiles(times),
    }))
}

async fn ask(address: SocketAddr, mut question: Vec<u8>, answers: u16, time: Duration) -> Result<Outcome> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
    socket.connect(address).await.with_context(|| format!("asking {address}"))?;
    let (mut outcome, mut asked, mut buffer) = (Outcome::default(), HashMap::new(), [0; 4096]);
    let (mut next, began) = (0_u16, Instant::now());
    while began.elapsed() < time {
        while asked.len() < OUTSTANDING.into() {
            question[..2].copy_from_slice(&next.to_be_bytes());
            socket.send(&question).await?;
            asked.insert(next, Instant::now());
            next = next.wrapping_add(1);
        }
        let Ok(received) = timeout(PATIENCE, socket.recv(&mut buffer)).await else {
            outcome.failed += asked.drain().count() as u64;
            continue;
        };
        let answer = &buffer[..received?];
        match asked.remove(&id(answer)) {
            Some(at) if has_addresses(answer, answers) => outcome.times.push(at.elapsed()),
            _ => outcome.failed += 1,
        }
    }
    Ok(outcome)
}

/// For the addresses of a name, with recursion desired and id 0.
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("a label of a name has at most 63 bytes"));
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

fn id(message: &[u8]) -> u16 {
    message.first_chunk().map_or(0, |id| u16::from_be_bytes(*id))
}

/// It is an answer without an error, and has at least so many records.
fn has_addresses(message: &[u8], answers: u16) -> bool {
    let Some(head) = message.first_chunk::<12>() else { return false };
    let is_answer = head[2] & 0x80 != 0 && head[3] & 0x0f == 0;
    is_answer && u16::from_be_bytes([head[6], head[7]]) >= answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_with_addresses_and_without_an_error() {
        let mut message = question("web.service.consul");
        assert_eq!(message.len(), 12 + 20 + 4);
        assert!(!has_addresses(&message, 0), "a question is no answer");
        message[2] |= 0x80;
        message[7] = 3;
        assert!(has_addresses(&message, 3) && !has_addresses(&message, 4));
        message[3] = 3;
        assert!(!has_addresses(&message, 3), "NXDOMAIN");
    }
}
