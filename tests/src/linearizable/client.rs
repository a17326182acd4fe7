use super::register::{Outcome, Request};
use super::workload::{Common, Workload};
use crate::http::{self, Response};
use crate::wait::eventually;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// One of the clients of a workload.
pub(super) struct Client {
    workload: Workload,
    common: Arc<Common>,
    random: StdRng,
    id: usize,
    session: String,
    /// Agents that did not answer lately, until when they are left alone.
    resting: BTreeMap<SocketAddr, Instant>,
}

/// So many requests go to the same keys.
const TURN: u64 = 150;
/// How many keys there are at a time.
const KEYS: u64 = 3;
/// How long an agent is left alone that did not answer. Each client finds that out for itself.
const REST: Duration = Duration::from_secs(3);

impl Client {
    pub(super) fn new(workload: Workload, common: Arc<Common>, id: usize) -> Self {
        let random = StdRng::seed_from_u64(workload.seed.wrapping_add(id as u64));
        let mut client =
            Self { workload, common, random, id, session: String::new(), resting: BTreeMap::new() };
        let body = json!({"Checks": [], "LockDelay": "0s"}).to_string();
        client.session = eventually("an agent makes a session", || {
            let made = client.ask("PUT", "/v1/session/create", body.as_bytes()).ok()?;
            (made.status == 200).then(|| made.json()["ID"].as_str().map(str::to_owned))?
        });
        client
    }

    pub(super) fn run(mut self) {
        for _ in 0..self.workload.operations {
            if self.common.stop.load(Ordering::Relaxed) {
                return;
            }
            let next = Instant::now() + self.workload.pace;
            self.one();
            crate::wait::pause_for(next.saturating_duration_since(Instant::now()));
        }
    }

    fn one(&mut self) {
        let number = self.common.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let key = format!("{}/{}-{}", self.workload.prefix, number / TURN, self.random.random_range(0..KEYS));
        let (key, client, value) = (key.as_str(), self.id, number);
        match self.random.random_range(0..10) {
            0..3 => drop(self.read(key)),
            3 => self.write(key, Request::Set(value), "PUT", "", value),
            4..6 => self.compare_and_set(key, value),
            6 => self.write(key, Request::Delete, "DELETE", "", value),
            7..9 => {
                let query = format!("?acquire={}", self.session);
                self.write(key, Request::Lock { client, value }, "PUT", &query, value);
            }
            _ => {
                let query = format!("?release={}", self.session);
                self.write(key, Request::Unlock { client, value }, "PUT", &query, value);
            }
        }
    }

    /// The number and the modify index that were found; 0 where there is no such key. What was not answered might
    /// as well not have been asked.
    fn read(&mut self, key: &str) -> Option<(Option<u64>, u64)> {
        let mut found = None;
        let common = self.common.clone();
        common.recorder.record(key, self.id, Request::Read, || {
            found = self.ask("GET", &format!("/v1/kv/{key}?consistent"), b"").ok().and_then(|r| number(&r));
            found.map_or(Outcome::Refused, |(number, _)| Outcome::Found(number))
        });
        found
    }

    /// Until there is an answer: what was acknowledged must be in it.
    pub(super) fn read_in_the_end(&mut self, key: &str) {
        eventually("a key is read in the end", || self.read(key));
    }

    /// From what it has just read: another client may have been quicker.
    fn compare_and_set(&mut self, key: &str, to: u64) {
        if let Some((from, index)) = self.read(key) {
            self.write(key, Request::Cas { from, to }, "PUT", &format!("?cas={index}"), to);
        }
    }

    fn write(&mut self, key: &str, request: Request, method: &str, query: &str, value: u64) {
        let target = format!("/v1/kv/{key}{query}");
        let common = self.common.clone();
        common.recorder.record(key, self.id, request, || {
            let outcome = outcome(self.ask(method, &target, value.to_string().as_bytes()));
            if matches!(outcome, Outcome::Done(_)) {
                common.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            outcome
        });
    }

    /// Of any agent that has answered lately, or of any if none has.
    fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> std::io::Result<Response> {
        let awake = |agent: &&SocketAddr| self.resting.get(agent).is_none_or(|until| *until < Instant::now());
        let awake = self.workload.agents.iter().filter(awake).choose(&mut self.random);
        let agent = *awake.unwrap_or(&self.workload.agents[0]);
        let body = if method == "PUT" { body } else { b"" };
        let answer = http::request_at(agent, self.workload.patience, method, target, body);
        if !answer.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 404)) {
            self.resting.insert(agent, Instant::now() + REST);
            // Where nobody answers, asking would take no time at all.
            crate::wait::pause();
        }
        answer
    }
}

/// What the answer to a write says. Most errors tell nothing of what has happened.
fn outcome(answer: std::io::Result<Response>) -> Outcome {
    match answer {
        Ok(answer) if answer.status == 200 && answer.body == "true" => Outcome::Done(true),
        Ok(answer) if answer.status == 200 && answer.body == "false" => Outcome::Done(false),
        Ok(answer) if answer.body.contains("No cluster leader") => Outcome::Refused,
        // Nobody listened.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// What a key holds, as a number, and its modify index; nothing where that was not answered.
fn number(response: &Response) -> Option<(Option<u64>, u64)> {
    if response.status == 404 {
        return Some((None, 0));
    }
    let pairs: Value = serde_json::from_str(&response.body).ok()?;
    let index = pairs[0]["ModifyIndex"].as_u64()?;
    let bytes = STANDARD.decode(pairs[0]["Value"].as_str()?).ok()?;
    Some((Some(std::str::from_utf8(&bytes).ok()?.parse().ok()?), index))
}
