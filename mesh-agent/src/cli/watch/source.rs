use crate::cli::client::{Answer, Client, ClientError, Query};
use serde_json::Value;
use std::collections::HashSet;

/// How long one look waits for something new, in seconds.
const WAIT: u64 = 300;

type Seen = Answer<Option<Value>>;

/// What somebody asks to have watched: a kind, and what it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub kind: String,
    pub key: Option<String>,
    pub name: Option<String>,
    pub passing_only: bool,
    pub prefix: Option<String>,
    pub service: Option<String>,
    pub service_id: Option<String>,
    pub state: Option<String>,
    pub tag: Option<String>,
}

/// Why nothing can be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("Watch -type must be specified")]
    NoType,
    #[error("Unsupported watch type: {found}")]
    UnknownType { found: String },
    #[error("Must specify -{what} for a watch of type {kind}")]
    Missing { what: &'static str, kind: String },
    #[error("Only one of -service and -state may be given")]
    ServiceAndState,
}

/// What is watched.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    path: String,
    query: Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Key,
    KeyPrefix,
    Services,
    Nodes,
    Service,
    Checks,
    Event,
    ConnectRoots,
    ConnectLeaf,
    AgentService,
}

const KINDS: [(&str, Kind); 10] = [
    ("key", Kind::Key),
    ("keyprefix", Kind::KeyPrefix),
    ("services", Kind::Services),
    ("nodes", Kind::Nodes),
    ("service", Kind::Service),
    ("checks", Kind::Checks),
    ("event", Kind::Event),
    ("connect_roots", Kind::ConnectRoots),
    ("connect_leaf", Kind::ConnectLeaf),
    ("agent_service", Kind::AgentService),
];

impl Source {
    /// # Errors
    /// The kind is unknown, or what it takes is missing.
    pub fn new(wanted: &Wanted, query: Query) -> Result<Self, SourceError> {
        if wanted.kind.is_empty() {
            return Err(SourceError::NoType);
        }
        let known = KINDS.iter().find(|(name, _)| *name == wanted.kind);
        let (_, kind) = known.ok_or_else(|| SourceError::UnknownType { found: wanted.kind.clone() })?;
        let need = |what: &'static str, value: &Option<String>| {
            let value = value.clone().filter(|value| !value.is_empty());
            let value = value.ok_or(SourceError::Missing { what, kind: wanted.kind.clone() })?;
            Ok(path(&value))
        };
        let (path, query) = match kind {
            Kind::Key => (format!("/v1/kv/{}", need("key", &wanted.key)?), query),
            Kind::KeyPrefix => {
                (format!("/v1/kv/{}", need("prefix", &wanted.prefix)?), query.with("recurse", ""))
            }
            Kind::Services => ("/v1/catalog/services".to_owned(), query),
            Kind::Nodes => ("/v1/catalog/nodes".to_owned(), query),
            Kind::Service => {
                let query = query.with_some("tag", wanted.tag.as_deref());
                let query = if wanted.passing_only { query.with("passing", "1") } else { query };
                (format!("/v1/health/service/{}", need("service", &wanted.service)?), query)
            }
            Kind::Checks => (checks(wanted.service.as_deref(), wanted.state.as_deref())?, query),
            Kind::Event => ("/v1/event/list".to_owned(), query.with_some("name", wanted.name.as_deref())),
            Kind::ConnectRoots => ("/v1/agent/connect/ca/roots".to_owned(), query),
            Kind::ConnectLeaf => {
                (format!("/v1/agent/connect/ca/leaf/{}", need("service", &wanted.service)?), query)
            }
            Kind::AgentService => {
                (format!("/v1/agent/service/{}", need("service-id", &wanted.service_id)?), query)
            }
        };
        Ok(Self { kind: *kind, path, query })
    }

    pub fn kind(&self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name)
    }

    /// What there is now; after a `last` look, once it differs from that.
    pub(super) async fn look(&self, client: &Client, last: Option<&Seen>) -> Result<Seen, ClientError> {
        let query = match last {
            None => self.query.clone(),
            Some(Answer { hash: Some(hash), .. }) => self.query.clone().with("hash", hash.as_str()),
            Some(last) => self.query.clone().blocking(last.index, WAIT),
        };
        let mut found = client.look(&self.path, &query).await?;
        if self.kind == Kind::Key {
            found.value = found.value.and_then(|list| list.get(0).cloned());
        }
        Ok(found)
    }

    /// What is to be handed on; none, if nothing is new.
    pub(super) fn news(&self, last: Option<&Seen>, found: &Seen) -> Option<Value> {
        let value = found.value.clone().unwrap_or_default();
        match last {
            Some(last) if last.value.clone().unwrap_or_default() == value => None,
            last if self.kind == Kind::Event => Some(new_events(last?.value.as_ref(), &value)),
            _ => Some(value),
        }
    }
}

/// Events that came after the watch has begun; those of before are over.
fn new_events(last: Option<&Value>, now: &Value) -> Value {
    let events = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let old: HashSet<String> =
        last.map(events).unwrap_or_default().iter().map(|event| event["ID"].to_string()).collect();
    events(now).into_iter().filter(|event| !old.contains(&event["ID"].to_string())).collect()
}

fn checks(service: Option<&str>, state: Option<&str>) -> Result<String, SourceError> {
    match (service, state) {
        (Some(_), Some(_)) => Err(SourceError::ServiceAndState),
        (Some(service), None) => Ok(format!("/v1/health/checks/{}", path(service))),
        (None, state) => Ok(format!("/v1/health/state/{}", path(state.unwrap_or("any")))),
    }
}

/// Slashes part keys as they part paths.
fn path(name: &str) -> String {
    name.split('/').map(crate::cli::client::segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_kind_takes_must_be_given() {
        let wanted = |kind: &str| Wanted { kind: kind.to_owned(), ..Wanted::default() };
        let refused = |wanted: Wanted| Source::new(&wanted, Query::new()).unwrap_err().to_string();
        assert_eq!(refused(wanted("")), "Watch -type must be specified");
        assert_eq!(refused(wanted("moon")), "Unsupported watch type: moon");
        for (kind, missing) in
            [("key", "key"), ("keyprefix", "prefix"), ("service", "service"), ("agent_service", "service-id")]
        {
            assert_eq!(refused(wanted(kind)), format!("Must specify -{missing} for a watch of type {kind}"));
        }
        let both = Wanted { service: Some("a".into()), state: Some("any".into()), ..wanted("checks") };
        assert_eq!(refused(both), "Only one of -service and -state may be given");
    }

    #[test]
    fn a_key_is_watched_at_its_path() {
        let wanted = Wanted { kind: "key".into(), key: Some("a b/c".into()), ..Wanted::default() };
        assert_eq!(Source::new(&wanted, Query::new()).unwrap().path, "/v1/kv/a%20b/c");
    }

    #[test]
    fn only_events_that_came_since_are_news() {
        let event = |id: &str| json!({"ID": id});
        let source = Source { kind: Kind::Event, path: String::new(), query: Query::new() };
        let seen = |ids: &[&str]| {
            let value = Some(ids.iter().map(|id| event(id)).collect());
            Answer { index: 1, hash: None, value }
        };
        assert_eq!(source.news(None, &seen(&["a"])), None, "it was there before");
        assert_eq!(source.news(Some(&seen(&["a"])), &seen(&["a"])), None);
        assert_eq!(source.news(Some(&seen(&["a"])), &seen(&["a", "b"])), Some(json!([event("b")])));
    }

    #[test]
    fn what_is_as_it_was_is_no_news() {
        let source = Source { kind: Kind::Nodes, path: String::new(), query: Query::new() };
        let seen = |index: u64, value| Answer { index, hash: None, value };
        assert_eq!(source.news(None, &seen(1, None)), Some(Value::Null));
        assert_eq!(source.news(Some(&seen(1, Some(json!([1])))), &seen(2, Some(json!([1])))), None);
        assert_eq!(source.news(Some(&seen(1, None)), &seen(2, Some(json!([1])))), Some(json!([1])));
    }
}
