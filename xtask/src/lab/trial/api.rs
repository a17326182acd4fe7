use super::super::node::Node;
use crate::load::control::client::{Answer, Client};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How long an answer may take; an agent itself gives up after less.
const PATIENCE: Duration = Duration::from_secs(15);

/// A machine's agent.
#[derive(Clone, Copy)]
pub struct Api {
    address: SocketAddr,
}

impl Api {
    pub fn of(node: &Node) -> Self {
        Self { address: SocketAddr::from((node.address, 8500)) }
    }

    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = async {
            let mut client = Client::dial(self.address).await?;
            client.call(method, path, body).await
        };
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
        answer.with_context(|| format!("{} does not answer {method} {path}", self.address))?
    }

    /// # Errors
    /// The answer is not 200, or no JSON.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let answer = self.call(method, path, body)?;
        if answer.status != 200 {
            bail!("{} answers {method} {path}: {}", self.address, answer.excerpt());
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("reading {}", answer.excerpt()))
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.ask("GET", path, "")
    }

    /// Whom it believes to lead.
    pub fn leader(&self) -> Result<Ipv4Addr> {
        let told = self.get("/v1/status/leader")?;
        let address = told.as_str().and_then(|text| text.parse::<SocketAddr>().ok());
        match address {
            Some(SocketAddr::V4(address)) => Ok(*address.ip()),
            _ => bail!("{} knows no leader: {told}", self.address),
        }
    }
}
