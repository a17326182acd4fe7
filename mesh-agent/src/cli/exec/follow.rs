use super::job::Job;
use super::settings::Settings;
use crate::cli::client::{Client, Query};
use crate::cli::failure::{Failure, OrFail};
use std::collections::BTreeSet;
use std::io::Write;
use tokio::time::{Instant, timeout_at};

/// Shows what nodes write below a job's key.
pub(super) struct Follower<'a> {
    settings: &'a Settings,
    job: &'a Job,
    seen: BTreeSet<String>,
    tally: Tally,
}

/// How many nodes have got how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) acknowledged: usize,
    pub(super) completed: usize,
    /// With another status than 0.
    pub(super) failed: usize,
}

/// What a key below the job's is.
#[derive(Debug, PartialEq, Eq)]
enum News<'k> {
    Acknowledged { node: &'k str },
    Output { node: &'k str },
    Ended { node: &'k str },
}

/// How long one look waits for a change, in seconds.
const LOOK: u64 = 60;

impl<'a> Follower<'a> {
    pub(super) fn new(settings: &'a Settings, job: &'a Job) -> Self {
        Self { settings, job, seen: BTreeSet::new(), tally: Tally::default() }
    }

    /// Until nothing has come for some time. Nodes that are at it say so in that time.
    pub(super) async fn follow(mut self, client: &Client) -> Result<Tally, Failure> {
        let (mut index, mut last) = (0, Instant::now());
        loop {
            let at_it = self.tally.acknowledged > self.tally.completed;
            let patience = self.settings.wait * if at_it { 2 } else { 1 };
            let query = self.settings.query.clone().blocking(index, LOOK);
            let query = if index == 0 { self.settings.query.clone() } else { query };
            let looked = timeout_at(last + patience, client.kv_all_keys(&self.job.below, query)).await;
            let Ok(keys) = looked else { return Ok(self.tally) };
            let found = keys.or_fail("Failed to list responses")?;
            index = found.index;
            let mut keys = found.value;
            // What a node has printed comes before the word that it has ended.
            keys.sort_by_key(|key| key.ends_with("/exit"));
            for key in keys {
                if self.seen.insert(key.clone()) && self.take(client, &key).await? {
                    last = Instant::now();
                }
            }
        }
    }

    /// Whether it is news at all.
    async fn take(&mut self, client: &Client, key: &str) -> Result<bool, Failure> {
        let Some(news) = key.strip_prefix(&self.job.below).and_then(news) else { return Ok(false) };
        let say = |what: &str, node: &str| self.settings.say(&format!("{node}: {what}"));
        match news {
            News::Acknowledged { node } => {
                self.tally.acknowledged += 1;
                say("acknowledged", node);
            }
            News::Output { node } => match self.value(client, key).await? {
                text if text.is_empty() => say("heartbeat received", node),
                text => show(node, &text).or_fail("Error writing output")?,
            },
            News::Ended { node } => {
                let status = self.value(client, key).await?;
                let status = String::from_utf8_lossy(&status).into_owned();
                self.tally.completed += 1;
                self.tally.failed += usize::from(status != "0");
                println!("==> {node}: finished with exit code {status}");
            }
        }
        Ok(true)
    }

    async fn value(&self, client: &Client, key: &str) -> Result<Vec<u8>, Failure> {
        let query: &Query = &self.settings.query;
        let found = client.kv_get(key, query).await.or_fail(format!("Failed to read {key}"))?;
        Ok(found.value.map(|pair| pair.value).unwrap_or_default())
    }
}

fn news(key: &str) -> Option<News<'_>> {
    let (node, what) = key.split_once('/')?;
    match what {
        "ack" => Some(News::Acknowledged { node }),
        "exit" => Some(News::Ended { node }),
        what if what.starts_with("out/") => Some(News::Output { node }),
        _ => None,
    }
}

/// Each line under its node's name, as Consul has it.
fn show(node: &str, text: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let text = String::from_utf8_lossy(text);
    for line in text.lines() {
        writeln!(out, "    {node}: {line}")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_who_has_got_how_far() {
        let table = [
            ("job", None),
            ("n1/ack", Some(News::Acknowledged { node: "n1" })),
            ("n1/exit", Some(News::Ended { node: "n1" })),
            ("n1/out/00002", Some(News::Output { node: "n1" })),
            ("n1/other", None),
        ];
        for (key, wanted) in table {
            assert_eq!(news(key), wanted, "{key}");
        }
    }
}
