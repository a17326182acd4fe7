use super::error::ConfigError;
use crate::cli::client::Query;
use crate::cli::watch::{HttpHandler, HttpTarget, Source, Wanted};
use crate::wire::GoDuration;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long somebody who is told by HTTP may take, unless it is said.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// One of `watches`, as a source gives it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct WatchSettings {
    args: Vec<String>,
    datacenter: String,
    /// A line for the shell; old form of `args`.
    handler: String,
    handler_type: String,
    http_handler_config: Option<HttpSettings>,
    key: Option<String>,
    name: Option<String>,
    passingonly: bool,
    prefix: Option<String>,
    service: Option<String>,
    service_id: Option<String>,
    stale: bool,
    state: Option<String>,
    tag: Option<String>,
    token: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct HttpSettings {
    header: BTreeMap<String, Vec<String>>,
    method: String,
    path: String,
    timeout: Option<GoDuration>,
    tls_skip_verify: bool,
}

/// What is watched while the agent runs, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    pub wanted: Wanted,
    pub query: Query,
    pub token: Option<String>,
    pub handler: WatchHandler,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchHandler {
    /// At least one word; whether a shell reads them.
    Program {
        words: Vec<String>,
        shell: bool,
    },
    Http(HttpTarget),
}

/// # Errors
/// One watches nothing that there is, or tells nobody.
pub(super) fn watches(list: Vec<WatchSettings>) -> Result<Vec<WatchConfig>, ConfigError> {
    let one = |(index, settings): (usize, WatchSettings)| {
        settings.watch().map_err(|reason| ConfigError::invalid("watches", format!("watch {index}: {reason}")))
    };
    list.into_iter().enumerate().map(one).collect()
}

impl WatchSettings {
    fn watch(self) -> Result<WatchConfig, String> {
        let handler = self.handler()?;
        let wanted = Wanted {
            kind: self.kind,
            key: self.key,
            name: self.name,
            passing_only: self.passingonly,
            prefix: self.prefix,
            service: self.service,
            service_id: self.service_id,
            state: self.state,
            tag: self.tag,
        };
        let query = Query::new().with_some("dc", Some(&self.datacenter));
        let query = if self.stale { query.with("stale", "") } else { query };
        Source::new(&wanted, query.clone()).map_err(|error| error.to_string())?;
        let token = self.token.filter(|token| !token.is_empty());
        Ok(WatchConfig { wanted, query, token, handler })
    }

    fn handler(&self) -> Result<WatchHandler, String> {
        match (self.handler_type.as_str(), &self.args[..], self.handler.as_str()) {
            ("http", [], "") => self.http(),
            ("" | "script", [], "") => {
                Err("it tells nobody: give args, or handler_type = \"http\"".to_owned())
            }
            ("" | "script", [], line) => {
                Ok(WatchHandler::Program { words: vec![line.to_owned()], shell: true })
            }
            ("" | "script", words, "") => Ok(WatchHandler::Program { words: words.to_vec(), shell: false }),
            ("" | "script" | "http", ..) => Err("only one of handler, args and http may be given".to_owned()),
            (other, ..) => Err(format!("handler_type is {other:?}, want \"script\" or \"http\"")),
        }
    }

    fn http(&self) -> Result<WatchHandler, String> {
        let missing = || "handler_type is \"http\", so http_handler_config must give a path".to_owned();
        let given = self.http_handler_config.clone().filter(|http| !http.path.is_empty());
        let given = given.ok_or_else(missing)?;
        let target = HttpTarget {
            url: given.path,
            method: given.method,
            timeout: given.timeout.map_or(HTTP_TIMEOUT, |timeout| timeout.0),
            header: given.header,
            tls_skip_verify: given.tls_skip_verify,
        };
        HttpHandler::new(&target)?;
        Ok(WatchHandler::Http(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::decode::{Style, from_value};
    use serde_json::{Value, json};

    fn read(watch: Value) -> Result<WatchConfig, String> {
        let settings: WatchSettings = from_value(watch, Style::Config).map_err(|e| e.to_string())?;
        settings.watch()
    }

    #[test]
    fn handlers_are_words_a_line_or_an_address() {
        let args = read(json!({"type": "key", "key": "a", "args": ["/bin/x", "y z"]})).unwrap();
        let words = vec!["/bin/x".to_owned(), "y z".to_owned()];
        assert_eq!(args.handler, WatchHandler::Program { words, shell: false });
        let line = read(json!({"type": "nodes", "handler": "cat > /tmp/x"})).unwrap();
        assert_eq!(
            line.handler,
            WatchHandler::Program { words: vec!["cat > /tmp/x".to_owned()], shell: true }
        );
        let http = json!({"path": "http://127.0.0.1:1/x", "timeout": "5s", "header": {"x-a": ["b"]}});
        let http = read(json!({"type": "services", "handler_type": "http", "http_handler_config": http}));
        let WatchHandler::Http(target) = http.unwrap().handler else { panic!("it is told by HTTP") };
        assert_eq!((target.url.as_str(), target.timeout), ("http://127.0.0.1:1/x", Duration::from_secs(5)));
    }

    #[test]
    fn a_mistake_is_found_before_anything_is_watched() {
        for (watch, want) in [
            (json!({"args": ["x"]}), "-type must be specified"),
            (json!({"type": "moon", "args": ["x"]}), "Unsupported watch type: moon"),
            (json!({"type": "key", "args": ["x"]}), "Must specify -key"),
            (json!({"type": "nodes"}), "it tells nobody"),
            (json!({"type": "nodes", "args": ["x"], "handler": "y"}), "only one of"),
            (json!({"type": "nodes", "handler_type": "http"}), "must give a path"),
            (json!({"type": "nodes", "handler_type": "mail"}), "want \"script\" or \"http\""),
            (
                json!({"type": "nodes", "handler_type": "http", "http_handler_config": {"path": "x"}}),
                "is no URL",
            ),
            (json!({"type": "nodes", "moon": 1}), "moon"),
        ] {
            let refused = read(watch.clone()).unwrap_err();
            assert!(refused.contains(want), "{watch}: {refused}");
        }
    }
}
