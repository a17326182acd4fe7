use crate::cli::call::Call;
use crate::cli::client::{Answer, Client, ClientError, Query};
use crate::cli::failure::Failure;
use serde_json::Value;
use std::collections::HashSet;

/// How long one look waits for something new, in seconds.
const WAIT: u64 = 300;

type Seen = Answer<Option<Value>>;

/// What is watched.
#[derive(Debug)]
pub(super) struct Source {
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
    pub(super) fn of(call: &Call) -> Result<Self, Failure> {
        let flags = &call.matches;
        let given = flags.value("type").ok_or_else(|| Failure::new("Watch -type must be specified"))?;
        let known = KINDS.iter().find(|(name, _)| *name == given);
        let (_, kind) = known.ok_or_else(|| Failure::new(format!("Unsupported watch type: {given}")))?;
        let need = |flag: &str| {
            let value = flags.value(flag).filter(|value| !value.is_empty());
            value.ok_or_else(|| Failure::new(format!("Must specify -{flag} for a watch of type {given}")))
        };
        let query = call.query();
        let (path, query) = match kind {
            Kind::Key => (format!("/v1/kv/{}", path(need("key")?)), query),
            Kind::KeyPrefix => (format!("/v1/kv/{}", path(need("prefix")?)), query.with("recurse", "")),
            Kind::Services => ("/v1/catalog/services".to_owned(), query),
            Kind::Nodes => ("/v1/catalog/nodes".to_owned(), query),
            Kind::Service => {
                let query = query.with_some("tag", flags.value("tag"));
                let query = if flags.is_on("passingonly") { query.with("passing", "1") } else { query };
                (format!("/v1/health/service/{}", path(need("service")?)), query)
            }
            Kind::Checks => (checks(flags.value("service"), flags.value("state"))?, query),
            Kind::Event => ("/v1/event/list".to_owned(), query.with_some("name", flags.value("name"))),
            Kind::ConnectRoots => ("/v1/agent/connect/ca/roots".to_owned(), query),
            Kind::ConnectLeaf => (format!("/v1/agent/connect/ca/leaf/{}", path(need("service")?)), query),
            Kind::AgentService => (format!("/v1/agent/service/{}", path(need("service-id")?)), query),
        };
        Ok(Self { kind: *kind, path, query })
    }

    pub(super) fn kind(&self) -> &'static str {
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

fn checks(service: Option<&str>, state: Option<&str>) -> Result<String, Failure> {
    match (service, state) {
        (Some(_), Some(_)) => Err(Failure::new("Only one of -service and -state may be given")),
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
