use super::ApiError;
use super::deps::HttpSettings;
use super::parameters::Parameters;
use crate::catalog::Consistency;
use crate::model::{Datacenter, Meta};
use crate::wire::GoDuration;
use std::time::Duration;

/// What every read may ask for, whatever it reads.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Wait for an answer with a higher index.
    pub above: Option<u64>,
    /// Wait for an answer with another hash.
    pub hash: Option<String>,
    /// How long, before jitter.
    pub wait: Duration,
    pub consistency: Consistency,
    /// Another datacenter than this one.
    pub datacenter: Option<Datacenter>,
    /// The caller is content with an answer from the agent's cache.
    pub cached: bool,
    pub pretty: bool,
    /// Sort by distance from this node; `_agent` is the one that answers.
    pub near: Option<String>,
    /// Only nodes with all of these.
    pub node_meta: Vec<(String, String)>,
    pub filter: Option<String>,
}

impl QueryOptions {
    /// # Errors
    /// A parameter has a value that it cannot have; the error names it.
    pub fn parse(
        parameters: &Parameters,
        own: &Datacenter,
        settings: &HttpSettings,
    ) -> Result<Self, ApiError> {
        check_default(parameters, "ns", "Namespaces")?;
        check_default(parameters, "partition", "Partitions")?;
        Ok(Self {
            above: index(parameters)?,
            hash: parameters.filled("hash").map(str::to_owned),
            wait: wait(parameters, settings)?,
            consistency: consistency(parameters)?,
            datacenter: datacenter(parameters, own)?,
            cached: parameters.has("cached"),
            pretty: parameters.has("pretty"),
            near: parameters.filled("near").map(str::to_owned),
            node_meta: parameters.all("node-meta").map(pair).collect(),
            filter: parameters.filled("filter").map(str::to_owned),
        })
    }

    /// A node with this metadata is wanted.
    pub fn wants_node(&self, meta: &Meta) -> bool {
        self.node_meta.iter().all(|(key, value)| meta.get(key) == Some(value))
    }

    /// The request may wait before it is answered.
    pub fn may_wait(&self) -> bool {
        self.above.is_some() || self.hash.is_some()
    }
}

/// What is no datacenter's name names none that there is.
fn datacenter(parameters: &Parameters, own: &Datacenter) -> Result<Option<Datacenter>, ApiError> {
    let Some(asked) = parameters.filled("dc") else { return Ok(None) };
    let asked = Datacenter::new(&asked.to_ascii_lowercase()).map_err(|_| ApiError::NoPathToDatacenter)?;
    Ok(Some(asked).filter(|asked| !asked.as_str().eq_ignore_ascii_case(own.as_str())))
}

fn check_default(parameters: &Parameters, name: &str, feature: &str) -> Result<(), ApiError> {
    match parameters.filled(name) {
        None | Some("default") => Ok(()),
        Some(asked) => Err(ApiError::bad_request(format!(
            "Invalid query parameter: \"{name}\" - {feature} other than \"default\" do not exist here, found {asked:?}"
        ))),
    }
}

/// Index 0 is how clients ask without waiting.
fn index(parameters: &Parameters) -> Result<Option<u64>, ApiError> {
    let Some(text) = parameters.filled("index") else { return Ok(None) };
    let invalid = |_| ApiError::bad_request(format!("Invalid index: {text:?} is not a number from 0 up"));
    let index: u64 = text.parse().map_err(invalid)?;
    Ok((index > 0).then_some(index))
}

fn wait(parameters: &Parameters, settings: &HttpSettings) -> Result<Duration, ApiError> {
    let Some(text) = parameters.filled("wait") else { return Ok(settings.default_wait) };
    let parsed: Result<GoDuration, _> = text.parse();
    let wait = parsed.map_err(|e| ApiError::bad_request(format!("Invalid wait time: {e}")))?.0;
    Ok(if wait.is_zero() { settings.default_wait } else { wait.min(settings.max_wait) })
}

fn consistency(parameters: &Parameters) -> Result<Consistency, ApiError> {
    match (parameters.has("stale"), parameters.has("consistent")) {
        (true, true) => Err(ApiError::bad_request(
            "Cannot specify ?stale with ?consistent, conflicting semantics.".to_owned(),
        )),
        (true, false) => Ok(Consistency::Stale),
        (false, true) => Ok(Consistency::Consistent),
        (false, false) => Ok(Consistency::Default),
    }
}

fn pair(text: &str) -> (String, String) {
    let (key, value) = text.split_once(':').unwrap_or((text, ""));
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT_WAIT: Duration = Duration::from_secs(300);
    const MAX_WAIT: Duration = Duration::from_secs(600);

    fn parse(query: &str) -> Result<QueryOptions, ApiError> {
        QueryOptions::parse(
            &Parameters::parse(query),
            &Datacenter::new("dc1").unwrap(),
            &HttpSettings::default(),
        )
    }

    #[test]
    fn what_is_not_asked_has_its_default() {
        let options = parse("").unwrap();
        assert_eq!((options.above, options.wait), (None, DEFAULT_WAIT));
        assert_eq!(options.consistency, Consistency::Default);
        assert!(!options.pretty && !options.cached && !options.may_wait());
    }

    #[test]
    fn waiting_is_bounded() {
        let table = [
            ("index=7&wait=10s", Some(7), Duration::from_secs(10)),
            ("index=7&wait=1h", Some(7), MAX_WAIT),
            ("index=0&wait=0s", None, DEFAULT_WAIT),
            ("index=&wait=", None, DEFAULT_WAIT),
        ];
        for (query, above, wait) in table {
            let options = parse(query).unwrap();
            assert_eq!((options.above, options.wait), (above, wait), "{query}");
        }
    }

    #[test]
    fn a_bad_value_is_refused_and_named() {
        let table = [
            ("index=abc", "Invalid index"),
            ("index=-1", "Invalid index"),
            ("wait=soon", "Invalid wait"),
            ("stale&consistent", "conflicting"),
            ("dc=a/b", "No path to datacenter"),
            ("ns=team", "\"ns\""),
            ("partition=p", "\"partition\""),
        ];
        for (query, want) in table {
            let error = parse(query).unwrap_err().to_string();
            assert!(error.contains(want), "{query}: {error}");
        }
        assert!(parse("ns=default&partition=default&dc=dc1").unwrap().datacenter.is_none());
        assert_eq!(parse("dc=DC2").unwrap().datacenter, Some(Datacenter::new("dc2").unwrap()));
    }

    #[test]
    fn nodes_must_have_all_metadata_that_is_asked() {
        let options = parse("node-meta=a:1&node-meta=b:x:y").unwrap();
        let meta = |pairs: &[(&str, &str)]| -> Meta {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        assert!(options.wants_node(&meta(&[("a", "1"), ("b", "x:y")])));
        assert!(!options.wants_node(&meta(&[("a", "1")])));
    }
}
