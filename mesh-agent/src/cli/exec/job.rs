use super::settings::{Settings, Task};
use crate::cli::client::{Client, Query};
use crate::cli::failure::{Failure, OrFail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A job that lies where nodes find it, for as long as its session lives.
pub(super) struct Job {
    pub(super) session: String,
    /// What all its keys begin with, with a slash at the end.
    pub(super) below: String,
}

/// How long what runs outlives this program where that is killed.
const TTL: &str = "15s";
const EVENT: &str = "_rexec";

impl Job {
    /// # Errors
    /// The servers take neither session nor job.
    pub(super) async fn lay_down(client: &Client, settings: &Settings) -> Result<Self, Failure> {
        let session = session(client, settings).await?;
        settings.say(&format!("Created remote execution session: {session}"));
        let job = Self { below: format!("{}/{session}/", settings.prefix), session };
        let key = format!("{}job", job.below);
        let acquire = settings.query.clone().with("acquire", job.session.as_str());
        let body = written(settings).to_string();
        match client.kv_put(&key, &acquire, body.into()).await.or_fail("Failed to create job file") {
            Ok(true) => {
                settings.say("Uploaded remote execution spec");
                Ok(job)
            }
            Ok(false) => Err(Failure::new("Failed to create job file: the session has ended")),
            Err(failure) => Err(failure),
        }
    }

    /// # Errors
    /// Nobody could be told.
    pub(super) async fn announce(&self, client: &Client, settings: &Settings) -> Result<(), Failure> {
        let filters = [("node", &settings.node), ("service", &settings.service), ("tag", &settings.tag)];
        let query = filters
            .into_iter()
            .fold(settings.query.clone(), |query, (filter, pattern)| query.with_some(filter, Some(pattern)));
        let payload = json!({"Prefix": settings.prefix, "Session": self.session}).to_string();
        let id = client.fire_event(EVENT, &query, payload.into()).await.or_fail("Failed to send event")?;
        settings.say(&format!("Fired remote execution event: {id}"));
        Ok(())
    }

    /// Ends what still runs. What cannot be undone here, the end of the session undoes.
    pub(super) async fn clear(&self, client: &Client, settings: &Settings) {
        let _ = client.destroy_session(&self.session, &settings.query).await;
        let all = settings.query.clone().with("recurse", "");
        let _ = client.kv_delete(&self.below, &all).await;
    }
}

async fn session(client: &Client, settings: &Settings) -> Result<String, Failure> {
    let mut wanted = json!({"Name": "Remote Exec", "Behavior": "delete", "TTL": TTL});
    if let Some(datacenter) = &settings.datacenter {
        wanted["Node"] = node_of(client, &settings.query, datacenter).await?.into();
    }
    let created = client.create_session_as(&wanted, &settings.query).await;
    created.or_fail("Failed to create session")
}

/// A session belongs to a node of its datacenter: here a server, as Consul does.
async fn node_of(client: &Client, query: &Query, datacenter: &str) -> Result<String, Failure> {
    let query = query.clone().with("passing", "");
    let found = client.look("/v1/health/service/consul", &query).await.or_fail("Failed to find a server")?;
    let name = found.value.and_then(|rows| Some(rows[0]["Node"]["Node"].as_str()?.to_owned()));
    name.ok_or_else(|| Failure::new(format!("Failed to find a server in datacenter {datacenter}")))
}

/// As agents read it, Consul's too.
fn written(settings: &Settings) -> Value {
    let wait = u64::try_from(settings.wait.as_nanos()).unwrap_or(u64::MAX);
    let (line, words, script) = match &settings.task {
        Task::Line(line) => (line.as_str(), Value::Null, Value::Null),
        Task::Words(words) => ("", json!(words), Value::Null),
        Task::Script(script) => ("", Value::Null, STANDARD.encode(script).into()),
    };
    json!({"Command": line, "Args": words, "Script": script, "Wait": wait})
}
