use super::super::node::Node;
use super::super::pause;
use super::api::Api;
use anyhow::{Result, bail};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where its keys are.
const PREFIX: &str = "load";

/// A write that an agent has acknowledged.
#[derive(Clone, Debug)]
struct Write {
    key: String,
    number: u64,
    at: Instant,
}

/// Writes one key after the other through each of some agents, again until it is acknowledged, and remembers those that
/// were.
pub struct Writer {
    notes: Arc<Notes>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Notes {
    stop: AtomicBool,
    writes: Mutex<Vec<Write>>,
}

impl Notes {
    fn write(&self, name: &str, api: Api) {
        for number in 1.. {
            let key = format!("{PREFIX}/{name}/{number}");
            while !acknowledged(api, &key, number) {
                if self.stop.load(Ordering::Relaxed) {
                    return;
                }
                pause();
            }
            self.note(Write { key, number, at: Instant::now() });
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            pause();
        }
    }

    fn note(&self, write: Write) {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).push(write);
    }

    fn all(&self) -> Vec<Write> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The number is in the key's flags too, so that what is read is known to be what was written.
fn acknowledged(api: Api, key: &str, number: u64) -> bool {
    let answer = api.call("PUT", &format!("/v1/kv/{key}?flags={number}"), "of the lab");
    answer.is_ok_and(|answer| answer.status == 200 && answer.body.trim_ascii() == b"true")
}

impl Writer {
    pub fn start(agents: &[&Node]) -> Self {
        let notes = Arc::new(Notes::default());
        let threads = agents.iter().map(|node| {
            let (notes, name, api) = (notes.clone(), node.name.clone(), Api::of(node));
            std::thread::spawn(move || notes.write(&name, api))
        });
        Self { threads: threads.collect(), notes }
    }

    pub fn count(&self) -> usize {
        self.notes.all().len()
    }

    /// The longest time without an acknowledged write, from then until now.
    pub fn gap_since(&self, since: Instant) -> Duration {
        let moments = self.notes.all().into_iter().map(|write| write.at).filter(|at| *at > since);
        let mut moments: Vec<Instant> = moments.collect();
        moments.sort_unstable();
        gap(since, &moments, Instant::now())
    }

    /// Reads them all, and fails unless each is there that was acknowledged before it began to read; how many.
    pub fn check(&self, reader: Api) -> Result<usize> {
        let writes = self.notes.all();
        let found = reader.get(&format!("/v1/kv/{PREFIX}/?recurse&consistent"))?;
        let lost = lost(&writes, &found);
        if let Some(first) = lost.first() {
            bail!("{} of {} acknowledged writes are lost, such as {first}", lost.len(), writes.len());
        }
        Ok(writes.len())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.notes.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// The keys that are not there, or not as they were written.
fn lost(writes: &[Write], found: &Value) -> Vec<String> {
    let rows = found.as_array().map(Vec::as_slice).unwrap_or_default();
    let flags: HashMap<&str, Option<u64>> =
        rows.iter().filter_map(|row| Some((row["Key"].as_str()?, row["Flags"].as_u64()))).collect();
    let there = |write: &Write| flags.get(write.key.as_str()) == Some(&Some(write.number));
    writes.iter().filter(|write| !there(write)).map(|write| write.key.clone()).collect()
}

fn gap(since: Instant, moments: &[Instant], until: Instant) -> Duration {
    let mut longest = Duration::ZERO;
    let mut last = since;
    for moment in moments.iter().chain([&until]) {
        longest = longest.max(moment.saturating_duration_since(last));
        last = *moment;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_write_is_lost_unless_it_is_found_as_it_was_written() {
        let write = |number| Write { key: format!("load/c/{number}"), number, at: Instant::now() };
        let writes = [write(1), write(2), write(3)];
        let found = json!([{"Key": "load/c/1", "Flags": 1}, {"Key": "load/c/3", "Flags": 4}]);
        assert_eq!(lost(&writes, &found), ["load/c/2", "load/c/3"]);
        assert_eq!(lost(&writes, &Value::Null).len(), 3);
        assert!(lost(&writes[..1], &found).is_empty());
    }

    #[test]
    fn a_gap_may_be_before_the_first_write_and_after_the_last() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(gap(start, &[], after(4)).as_secs(), 4);
        assert_eq!(gap(start, &[after(3), after(4)], after(5)).as_secs(), 3);
        assert_eq!(gap(start, &[after(1), after(2)], after(9)).as_secs(), 7);
    }
}
