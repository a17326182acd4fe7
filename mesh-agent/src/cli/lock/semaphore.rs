use super::holding::WAIT;
use crate::cli::client::{Client, ClientError, KvPair, Query};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Marks the keys of semaphores, as Consul's programs do.
const FLAGS: u64 = 0xe0f6_9a2b_aa41_4de0;
/// The key below the prefix that says who holds it.
const HOLDERS: &str = ".lock";

/// A prefix with a key for each contender, and one that says which of them hold it.
pub(super) struct Semaphore {
    prefix: String,
    session: String,
    limit: u64,
}

/// Who holds it now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Holders {
    limit: u64,
    holders: BTreeMap<String, bool>,
}

/// What there is below the prefix.
struct Seen {
    holders: Holders,
    /// For the compare-and-set; 0 where there is no such key.
    version: u64,
    index: u64,
}

impl Semaphore {
    pub(super) fn new(prefix: String, session: &str, limit: u64) -> Self {
        Self { prefix, session: session.to_owned(), limit }
    }

    pub(super) async fn acquire(&self, client: &Client) -> Result<(), ClientError> {
        let own = self.below(&self.session);
        let query = Query::new().with("acquire", self.session.as_str()).with("flags", FLAGS.to_string());
        client.kv_put(&own, &query, Bytes::new()).await?;
        let mut index = 0;
        loop {
            let seen = self.look(client, index).await?;
            if seen.holders.holders.contains_key(&self.session) {
                return Ok(());
            }
            if (seen.holders.holders.len() as u64) < self.limit {
                let mut holders = seen.holders.clone();
                holders.holders.insert(self.session.clone(), true);
                if self.write(client, &holders, seen.version).await? {
                    return Ok(());
                }
                index = 0;
            } else {
                index = seen.index;
            }
        }
    }

    /// Whether the session is among the holders, and the index to wait for a change with.
    pub(super) async fn holds(&self, client: &Client, index: u64) -> Result<(bool, u64), ClientError> {
        let seen = self.look(client, index).await?;
        Ok((seen.holders.holders.contains_key(&self.session), seen.index))
    }

    pub(super) async fn release(&self, client: &Client) -> Result<(), ClientError> {
        loop {
            let seen = self.look(client, 0).await?;
            let mut holders = seen.holders;
            if holders.holders.remove(&self.session).is_none() {
                break;
            }
            if self.write(client, &holders, seen.version).await? {
                break;
            }
        }
        self.withdraw(client).await
    }

    pub(super) async fn withdraw(&self, client: &Client) -> Result<(), ClientError> {
        client.kv_delete(&self.below(&self.session), &Query::new()).await.map(drop)
    }

    /// Holders whose sessions are gone are not counted.
    async fn look(&self, client: &Client, index: u64) -> Result<Seen, ClientError> {
        let query = if index == 0 { Query::new() } else { Query::new().blocking(index, WAIT) };
        let found = client.kv_list(&self.below(""), query.with("consistent", "")).await?;
        let holders_key = self.below(HOLDERS);
        let stored = found.value.iter().find(|pair| pair.key == holders_key);
        let holders = alive(stored, &found.value, self.limit);
        Ok(Seen { holders, version: stored.map_or(0, |pair| pair.modify_index), index: found.index })
    }

    async fn write(&self, client: &Client, holders: &Holders, version: u64) -> Result<bool, ClientError> {
        let value = serde_json::to_vec(holders).expect("names and numbers can be JSON");
        let query = Query::new().with("cas", version.to_string()).with("flags", FLAGS.to_string());
        client.kv_put(&self.below(HOLDERS), &query, value.into()).await
    }

    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }
}

/// The holders whose contender keys are still locked by their sessions.
fn alive(stored: Option<&KvPair>, all: &[KvPair], limit: u64) -> Holders {
    let contenders: BTreeSet<&str> = all.iter().map(|pair| pair.session.as_str()).collect();
    let decoded: Option<Holders> = stored.and_then(|pair| serde_json::from_slice(&pair.value).ok());
    let mut holders = decoded.unwrap_or_default();
    holders.limit = limit;
    holders.holders.retain(|session, _| contenders.contains(session.as_str()));
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, session: &str, value: &str) -> KvPair {
        let (key, session) = (key.to_owned(), session.to_owned());
        KvPair { key, session, value: value.as_bytes().to_vec(), ..KvPair::default() }
    }

    #[test]
    fn holders_whose_sessions_are_gone_give_way() {
        let stored = pair("p/.lock", "", r#"{"Limit":2,"Holders":{"a":true,"b":true}}"#);
        let all = [stored.clone(), pair("p/a", "a", ""), pair("p/b", "", "")];
        let found = alive(Some(&stored), &all, 2);
        assert_eq!(found.holders.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(alive(None, &[], 3), Holders { limit: 3, holders: BTreeMap::new() });
    }
}
