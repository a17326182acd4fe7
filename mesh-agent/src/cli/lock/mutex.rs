use super::holding::{PAUSE, WAIT};
use crate::cli::client::{Client, ClientError, Query};
use bytes::Bytes;

/// Marks the keys of locks, as Consul's programs do.
const FLAGS: u64 = 0x2ddc_cbc0_58a5_0c18;

/// A key whose lock one session holds.
pub(super) struct Mutex {
    key: String,
    session: String,
}

impl Mutex {
    pub(super) fn new(key: String, session: &str) -> Self {
        Self { key, session: session.to_owned() }
    }

    pub(super) async fn acquire(&self, client: &Client) -> Result<(), ClientError> {
        loop {
            let found = client.kv_get(&self.key, &Query::new()).await?;
            match found.value.as_ref().map(|pair| pair.session.as_str()) {
                Some(holder) if holder == self.session => return Ok(()),
                Some(holder) if !holder.is_empty() => {
                    client.kv_get(&self.key, &Query::new().blocking(found.index, WAIT)).await?;
                    continue;
                }
                _ => {}
            }
            let query = self.query("acquire");
            if client.kv_put(&self.key, &query, Bytes::new()).await? {
                return Ok(());
            }
            self.wait_after_refusal(client).await?;
        }
    }

    /// Another was quicker, or the lock delay is not over, whose end rings nobody on an agent of Consul.
    async fn wait_after_refusal(&self, client: &Client) -> Result<(), ClientError> {
        let found = client.kv_get(&self.key, &Query::new()).await?;
        if found.value.is_some_and(|pair| pair.session.is_empty()) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether the session holds it, and the index to wait for a change with.
    pub(super) async fn holds(&self, client: &Client, index: u64) -> Result<(bool, u64), ClientError> {
        let query = if index == 0 { Query::new() } else { Query::new().blocking(index, WAIT) };
        let found = client.kv_get(&self.key, &query.with("consistent", "")).await?;
        Ok((found.value.is_some_and(|pair| pair.session == self.session), found.index))
    }

    /// The key goes too, unless somebody has it already.
    pub(super) async fn release(&self, client: &Client) -> Result<(), ClientError> {
        client.kv_put(&self.key, &self.query("release"), Bytes::new()).await?;
        let found = client.kv_get(&self.key, &Query::new()).await?;
        if let Some(pair) = found.value.filter(|pair| pair.session.is_empty()) {
            let query = Query::new().with("cas", pair.modify_index.to_string());
            client.kv_delete(&self.key, &query).await?;
        }
        Ok(())
    }

    fn query(&self, verb: &'static str) -> Query {
        Query::new().with(verb, self.session.as_str()).with("flags", FLAGS.to_string())
    }
}
