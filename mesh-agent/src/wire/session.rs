use super::check_definition::{default_only, optional};
use super::error::At;
use super::{FieldError, GoDuration};
use crate::model::{self, CheckId, LIVENESS_CHECK, NodeName, RaftIndex, SessionBehavior, SessionId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Unless the request says otherwise.
const LOCK_DELAY: Duration = Duration::from_secs(15);
const MAX_LOCK_DELAY: Duration = Duration::from_secs(60);
const MIN_TTL: Duration = Duration::from_secs(10);
const MAX_TTL: Duration = Duration::from_secs(86_400);

/// A session as `/v1/session` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Session {
    #[serde(rename = "ID")]
    pub id: String,
    pub name: String,
    pub node: String,
    /// Nanoseconds.
    pub lock_delay: u64,
    pub behavior: &'static str,
    #[serde(rename = "TTL")]
    pub ttl: String,
    pub node_checks: Vec<String>,
    pub service_checks: Option<Vec<SessionServiceCheck>>,
    /// All of them, for clients from before there were two kinds.
    pub checks: Vec<String>,
    pub create_index: u64,
    pub modify_index: u64,
}

/// A service's check that a session depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct SessionServiceCheck {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub namespace: String,
}

impl From<&model::Session> for Session {
    fn from(session: &model::Session) -> Self {
        let names = |checks: &[CheckId]| checks.iter().map(ToString::to_string).collect::<Vec<_>>();
        let of_service = |id| SessionServiceCheck { id, namespace: String::new() };
        let service_checks: Vec<_> = names(&session.service_checks).into_iter().map(of_service).collect();
        Self {
            id: session.id.to_string(),
            name: session.name.clone(),
            node: session.node.to_string(),
            lock_delay: u64::try_from(session.lock_delay.as_nanos()).unwrap_or(u64::MAX),
            behavior: session.behavior.as_str(),
            ttl: session.ttl.map(|ttl| GoDuration(ttl).to_string()).unwrap_or_default(),
            node_checks: names(&session.node_checks),
            service_checks: Some(service_checks).filter(|checks| !checks.is_empty()),
            checks: session.checks().map(ToString::to_string).collect(),
            create_index: session.index.create,
            modify_index: session.index.modify,
        }
    }
}

/// The body of `/v1/session/create`. What the agent sets itself is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SessionRequest {
    pub id: String,
    pub name: String,
    pub node: String,
    pub lock_delay: Option<GoDuration>,
    pub behavior: String,
    pub ttl: GoDuration,
    pub checks: Option<Vec<String>>,
    pub node_checks: Option<Vec<String>>,
    pub service_checks: Option<Vec<SessionServiceCheck>>,
    pub create_index: u64,
    pub modify_index: u64,
    pub namespace: String,
    pub partition: String,
}

impl SessionRequest {
    /// `here` is the node that the session is for where the body names none.
    ///
    /// # Errors
    /// A field is not valid.
    pub fn into_model(self, id: SessionId, here: &NodeName) -> Result<model::Session, FieldError> {
        default_only("namespace", &self.namespace)?;
        default_only("partition", &self.partition)?;
        let service_checks = self.service_checks.unwrap_or_default().into_iter().map(|check| check.id);
        Ok(model::Session {
            id,
            name: self.name,
            node: optional(&self.node, NodeName::new, "node")?.unwrap_or_else(|| here.clone()),
            node_checks: ids(node_checks(self.checks, self.node_checks), "node_checks")?,
            service_checks: ids(service_checks, "service_checks")?,
            lock_delay: lock_delay(self.lock_delay),
            behavior: behavior(&self.behavior)?,
            ttl: ttl(self.ttl.0)?,
            index: RaftIndex::default(),
        })
    }
}

/// Who names none depends on the node's being alive.
fn node_checks(old: Option<Vec<String>>, new: Option<Vec<String>>) -> Vec<String> {
    match (old, new) {
        (None, None) => vec![LIVENESS_CHECK.to_owned()],
        (old, new) => {
            let mut checks = new.unwrap_or_default();
            checks.extend(old.unwrap_or_default());
            checks.sort();
            checks.dedup();
            checks
        }
    }
}

fn ids(names: impl IntoIterator<Item = String>, field: &str) -> Result<Vec<CheckId>, FieldError> {
    names.into_iter().map(|name| CheckId::new(&name).at(field)).collect()
}

/// Bare numbers below 1000 are seconds, as Consul reads them.
fn lock_delay(asked: Option<GoDuration>) -> Duration {
    let asked = asked.map_or(LOCK_DELAY, |asked| asked.0);
    let nanos = asked.as_nanos();
    let delay = if nanos < 1000 { Duration::from_secs(nanos as u64) } else { asked };
    delay.min(MAX_LOCK_DELAY)
}

fn behavior(text: &str) -> Result<SessionBehavior, FieldError> {
    match text {
        "" | "release" => Ok(SessionBehavior::Release),
        "delete" => Ok(SessionBehavior::Delete),
        other => {
            let reason = format!("Invalid Behavior setting '{other}': use \"release\" or \"delete\"");
            Err(FieldError::new("behavior", reason))
        }
    }
}

fn ttl(ttl: Duration) -> Result<Option<Duration>, FieldError> {
    if ttl.is_zero() {
        return Ok(None);
    }
    if (MIN_TTL..=MAX_TTL).contains(&ttl) {
        return Ok(Some(ttl));
    }
    let found = ttl.as_nanos();
    let reason = format!("Invalid Session TTL '{found}', must be between [10s=24h0m0s]");
    Err(FieldError::new("ttl", reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::decode::from_json;

    fn session(body: &str) -> Result<model::Session, FieldError> {
        let here = NodeName::new("alpha").unwrap();
        from_json::<SessionRequest>(body.as_bytes()).unwrap().into_model(SessionId::nil(), &here)
    }

    #[test]
    fn what_a_session_does_not_say_has_its_default() {
        let session = session("{}").unwrap();
        assert_eq!((session.node.as_str(), session.lock_delay), ("alpha", LOCK_DELAY));
        assert_eq!((session.behavior, session.ttl), (SessionBehavior::Release, None));
        assert_eq!(session.checks().map(CheckId::as_str).collect::<Vec<_>>(), ["serfHealth"]);
    }

    #[test]
    fn delays_and_lives_are_read_as_consul_reads_them() {
        for (body, delay) in [
            (r#"{"LockDelay": 5}"#, 5),
            (r#"{"LockDelay": 5000000000}"#, 5),
            (r#"{"LockDelay": "7s"}"#, 7),
            (r#"{"LockDelay": "2m"}"#, 60),
            (r#"{"LockDelay": 0}"#, 0),
        ] {
            assert_eq!(session(body).unwrap().lock_delay.as_secs(), delay, "{body}");
        }
        assert_eq!(session(r#"{"TTL": "10s"}"#).unwrap().ttl, Some(MIN_TTL));
        for (body, want) in [
            (r#"{"TTL": "9s"}"#, "Invalid Session TTL"),
            (r#"{"TTL": "25h"}"#, "Invalid Session TTL"),
            (r#"{"Behavior": "keep"}"#, "Invalid Behavior setting 'keep'"),
        ] {
            let error = session(body).unwrap_err().to_string();
            assert!(error.contains(want), "{body}: {error}");
        }
    }

    #[test]
    fn an_empty_list_of_checks_means_none() {
        assert_eq!(session(r#"{"Checks": []}"#).unwrap().checks().count(), 0);
        let both = session(r#"{"NodeChecks": ["a"], "ServiceChecks": [{"ID": "b"}]}"#).unwrap();
        assert_eq!(both.checks().map(CheckId::as_str).collect::<Vec<_>>(), ["a", "b"]);
    }
}
