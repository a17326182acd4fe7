use crate::exec::{Desk, Held};
use crate::http::Inside;
use crate::wire::{PassedAnswer, PassedRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

/// Values by this agent's own API, which knows the way to the servers.
pub(in crate::agent) struct ApiDesk(pub Inside);

const OK: u16 = 200;
const NOT_FOUND: u16 = 404;

impl ApiDesk {
    async fn ask(&self, method: &str, uri: String, body: Vec<u8>) -> Result<PassedAnswer, String> {
        let method = method.to_owned();
        self.0.answer(PassedRequest { method, uri, token: None, body, hops: 0, origin: None }).await
    }
}

fn refused(answer: &PassedAnswer) -> String {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}

impl Desk for ApiDesk {
    fn read<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Held>, String>> {
        Box::pin(async move {
            let answer = self.ask("GET", format!("/v1/kv/{key}"), Vec::new()).await?;
            match answer.status {
                NOT_FOUND => return Ok(None),
                OK => {}
                _ => return Err(refused(&answer)),
            }
            let pairs: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
            held(&pairs[0]).map(Some)
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a str,
        session: Uuid,
        value: Vec<u8>,
    ) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async move {
            let answer = self.ask("PUT", format!("/v1/kv/{key}?acquire={session}"), value).await?;
            let text = String::from_utf8_lossy(&answer.body);
            match (answer.status, text.trim()) {
                (OK, "true") => Ok(true),
                (OK, "false") => Ok(false),
                // Consul's words for a session that is not there.
                (_, text) if text.contains("invalid session") => Ok(false),
                _ => Err(refused(&answer)),
            }
        })
    }
}

fn held(pair: &Value) -> Result<Held, String> {
    let value = STANDARD.decode(pair["Value"].as_str().unwrap_or_default());
    let session = pair["Session"].as_str().and_then(|session| session.parse().ok());
    Ok(Held { value: value.map_err(|error| error.to_string())?, session })
}
