use super::settings::{PublicSettings, Settings};
use crate::cli::client::{Client, ClientError};
use crate::task::Shutdown;
use serde_json::{Value, json};
use std::time::Duration;

/// How often the proxy says that it lives, and after how long without it is taken for dead.
const HEARTBEAT: Duration = Duration::from_secs(5);
const TIME_TO_LIVE: &str = "20s";

/// Keeps a proxy registered with the agent as long as it runs.
pub(super) struct Registration {
    client: Client,
    id: String,
    definition: Value,
}

impl Registration {
    /// `suffix` tells apart the proxies of one service.
    pub fn new(client: Client, settings: &Settings, public: &PublicSettings, suffix: Option<&str>) -> Self {
        let name = format!("{}-proxy", settings.service);
        let id = suffix.map_or_else(|| name.clone(), |suffix| format!("{name}-{suffix}"));
        let definition = definition(&id, &name, settings, public);
        Self { client, id, definition }
    }

    pub async fn register(&self) -> Result<(), ClientError> {
        self.client.register_service(&self.definition).await?;
        tracing::info!(service = self.id, "registered with the agent");
        self.report().await
    }

    async fn report(&self) -> Result<(), ClientError> {
        self.client.report_check(&check_id(&self.id), "pass", "").await
    }

    /// Says until shutdown that the proxy lives, then deregisters it. An agent that has forgotten it is told again.
    pub async fn run(self, shutdown: Shutdown) {
        let mut beats = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                _ = beats.tick() => self.beat().await,
                () = shutdown.begun() => break,
            }
        }
        tracing::info!(service = self.id, "deregistering");
        if let Err(error) = self.client.deregister_service(&self.id).await {
            tracing::error!(%error, service = self.id, "the proxy stays registered with the agent");
        }
    }

    async fn beat(&self) {
        let Err(error) = self.report().await else { return };
        let again = if error.status().is_some() { self.register().await } else { Err(error) };
        if let Err(error) = again {
            tracing::warn!(%error, service = self.id, "the agent does not know that the proxy lives");
        }
    }
}

fn check_id(id: &str) -> String {
    format!("{id}-ttl")
}

fn definition(id: &str, name: &str, settings: &Settings, public: &PublicSettings) -> Value {
    let ip = public.bind.ip();
    let address = if ip.is_unspecified() { String::new() } else { ip.to_string() };
    json!({
        "Kind": "connect-proxy",
        "ID": id,
        "Name": name,
        "Address": address,
        "Port": public.bind.port(),
        "Proxy": {
            "DestinationServiceName": settings.service.as_str(),
            "LocalServiceAddress": public.app.ip().to_string(),
            "LocalServicePort": public.app.port(),
        },
        "Check": {
            "CheckID": check_id(id),
            "Name": "proxy heartbeat",
            "Notes": "The proxy says itself that it lives.",
            "TTL": TIME_TO_LIVE,
            "Status": "passing",
        },
    })
}
