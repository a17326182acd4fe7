use super::Recorder;
use super::register::{Outcome, Request};
use crate::http::{self, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// Clients that ask at random, each over all the ports.
pub struct Workload {
    /// Where agents answer.
    pub ports: Vec<u16>,
    pub keys: Vec<String>,
    pub clients: usize,
    /// How much each client asks.
    pub operations: usize,
    /// One seed, one choice of requests.
    pub seed: u64,
}

/// One of the clients.
struct Client<'a> {
    workload: &'a Workload,
    recorder: &'a Recorder,
    numbers: &'a AtomicU64,
    random: StdRng,
    id: usize,
    session: String,
}

impl Workload {
    /// Runs to its end.
    ///
    /// # Panics
    /// No agent makes a session.
    pub fn run(&self) -> Recorder {
        let (recorder, numbers) = (Recorder::default(), AtomicU64::new(1));
        std::thread::scope(|scope| {
            for id in 0..self.clients {
                let (recorder, numbers) = (&recorder, &numbers);
                scope.spawn(move || Client::new(self, recorder, numbers, id).run());
            }
        });
        recorder
    }
}

impl<'a> Client<'a> {
    fn new(workload: &'a Workload, recorder: &'a Recorder, numbers: &'a AtomicU64, id: usize) -> Self {
        let random = StdRng::seed_from_u64(workload.seed + id as u64);
        let body = json!({"Checks": [], "LockDelay": "0s"}).to_string();
        let created = http::request(workload.ports[0], "PUT", "/v1/session/create", body.as_bytes());
        let session = created.expect("an agent answers").json()["ID"].as_str().map(str::to_owned);
        let session = session.expect("an agent makes sessions");
        Self { workload, recorder, numbers, random, id, session }
    }

    fn run(mut self) {
        for _ in 0..self.workload.operations {
            let key = self.workload.keys[self.random.random_range(0..self.workload.keys.len())].clone();
            self.one(&key);
        }
    }

    fn one(&mut self, key: &str) {
        let (value, client) = (self.numbers.fetch_add(1, Ordering::Relaxed), self.id);
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

    /// The number and the modify index that were found; 0 where there is no such key.
    fn read(&mut self, key: &str) -> Option<(Option<u64>, u64)> {
        let target = format!("/v1/kv/{key}?consistent");
        let answer = |found: &mut Option<(Option<u64>, u64)>| {
            *found = self.ask("GET", &target, b"").and_then(|response| number(&response));
            found.as_ref().map_or(Outcome::Unknown, |(number, _)| Outcome::Found(*number))
        };
        let mut found = None;
        self.recorder.record(key, self.id, Request::Read, || answer(&mut found));
        found
    }

    /// From what it has just read: another client may have been quicker.
    fn compare_and_set(&mut self, key: &str, to: u64) {
        if let Some((from, index)) = self.read(key) {
            self.write(key, Request::Cas { from, to }, "PUT", &format!("?cas={index}"), to);
        }
    }

    fn write(&self, key: &str, request: Request, method: &str, query: &str, value: u64) {
        let target = format!("/v1/kv/{key}{query}");
        self.recorder.record(key, self.id, request, || {
            match self.ask(method, &target, value.to_string().as_bytes()).as_ref().map(|r| r.body.as_str()) {
                Some("true") => Outcome::Done(true),
                Some("false") => Outcome::Done(false),
                _ => Outcome::Unknown,
            }
        });
    }

    /// An error tells nothing of what has happened.
    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Option<Response> {
        let ports = &self.workload.ports;
        let port = ports[(self.id + self.numbers.load(Ordering::Relaxed) as usize) % ports.len()];
        let body = if method == "PUT" { body } else { b"" };
        let answered = http::request(port, method, target, body).ok()?;
        matches!(answered.status, 200 | 404).then_some(answered)
    }
}

/// What a key holds, as a number, and its modify index.
fn number(response: &Response) -> Option<(Option<u64>, u64)> {
    if response.status == 404 {
        return Some((None, 0));
    }
    let pair: Value = response.json()[0].take();
    let index = pair["ModifyIndex"].as_u64()?;
    let bytes = STANDARD.decode(pair["Value"].as_str()?).ok()?;
    Some((Some(std::str::from_utf8(&bytes).ok()?.parse().ok()?), index))
}
