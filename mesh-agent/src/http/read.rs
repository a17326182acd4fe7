use super::ApiError;
use super::answer::{Answer, Answered};
use super::call::Call;
use crate::catalog::{Consistency, ReadOptions, Reply};
use crate::filter::Filter;
use crate::state::Query;
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use std::time::Duration;

/// Blocking reads, and the headers that every read answers with.
impl Call {
    /// Answers at once, or, with `?index=`, once there is something newer.
    ///
    /// # Errors
    /// There is no leader to ask.
    pub async fn read<Q: Query>(&self, query: &Q) -> Result<Reply<Q::Output>, ApiError> {
        let options = ReadOptions {
            consistency: self.options.consistency,
            above: self.options.above,
            wait: self.patience(),
        };
        Ok(self.deps.catalog.read(query, &options).await?)
    }

    /// How long this request may wait: what it asked for and up to a sixteenth more, so that clients
    /// which came together do not come back together.
    pub fn patience(&self) -> Duration {
        self.options.wait + (self.options.wait / 16).mul_f64(rand::random())
    }

    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json_answer(&self, value: &impl Serialize) -> Answered {
        Answer::json(value, self.options.pretty)
    }

    /// A value that was read, filtered where the caller asked for that.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn read_answer<T: Serialize>(&self, reply: &Reply<T>, filter: Option<&Filter>) -> Answered {
        let answer = match filter {
            None => self.json_answer(&reply.value)?,
            Some(filter) => {
                let value = serde_json::to_value(&reply.value).map_err(ApiError::internal)?;
                self.json_answer(&filter.retain(value))?
            }
        };
        Ok(self.read_headers(reply, answer))
    }

    pub fn read_headers<T>(&self, reply: &Reply<T>, answer: Answer) -> Answer {
        let answer = answer
            .with_value(INDEX, HeaderValue::from(reply.index))
            .with_fixed(KNOWN_LEADER, if reply.known_leader { "true" } else { "false" })
            .with_value(LAST_CONTACT, HeaderValue::from(millis(reply.last_contact)))
            .with_fixed(CONSISTENCY, self.consistency())
            .with_fixed(BACKEND, "blocking-query");
        if self.options.cached { cache_hit(answer) } else { answer }
    }

    fn consistency(&self) -> &'static str {
        match self.options.consistency {
            Consistency::Default => "leader",
            Consistency::Consistent => "consistent",
            Consistency::Stale => "stale",
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What this agent holds is kept current by the servers, never older than now.
pub fn cache_hit(answer: Answer) -> Answer {
    answer.with(CACHE, "HIT").with(header::AGE, "0")
}

pub const INDEX: HeaderName = HeaderName::from_static("x-consul-index");
pub const CONTENT_HASH: HeaderName = HeaderName::from_static("x-consul-contenthash");
pub const DEFAULT_POLICY: HeaderName = HeaderName::from_static("x-consul-default-acl-policy");
pub const REASON: HeaderName = HeaderName::from_static("x-consul-reason");
const KNOWN_LEADER: HeaderName = HeaderName::from_static("x-consul-knownleader");
const LAST_CONTACT: HeaderName = HeaderName::from_static("x-consul-lastcontact");
const CONSISTENCY: HeaderName = HeaderName::from_static("x-consul-effective-consistency");
const BACKEND: HeaderName = HeaderName::from_static("x-consul-query-backend");
const CACHE: HeaderName = HeaderName::from_static("x-cache");
