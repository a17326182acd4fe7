use super::client::Client;
use crate::load::numbers::percentiles;
use crate::load::protocol::{Role, open};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

#[derive(clap::Args)]
pub struct Options {
    /// The agent's HTTP API
    #[arg(long)]
    api: SocketAddr,
    /// Where the path from service `client` to service `echo` begins
    #[arg(long)]
    addr: SocketAddr,
    /// Times that it is denied and allowed again
    #[arg(long, default_value_t = 20)]
    turns: u32,
}

const INTENTION: &str =
    r#"{"SourceName":"client","DestinationName":"echo","SourceType":"consul","Action":"deny"}"#;
const PAUSE: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(15);

pub async fn run(options: &Options) -> Result<Value> {
    let mut api = Client::dial(options.api).await?;
    let (mut denied, mut allowed) = (Vec::new(), Vec::new());
    for _ in 0..options.turns {
        let began = Instant::now();
        let id = deny(&mut api).await?;
        until(options.addr, false).await?;
        denied.push(began.elapsed());
        let began = Instant::now();
        let gone = api.call("DELETE", &format!("/v1/connect/intentions/{id}"), "").await?;
        if gone.status != 200 {
            bail!("deleting an intention is answered {}", gone.excerpt());
        }
        until(options.addr, true).await?;
        allowed.push(began.elapsed());
    }
    Ok(json!({ "us": percentiles(denied), "allow_us": percentiles(allowed), "failed": 0 }))
}

async fn deny(api: &mut Client) -> Result<String> {
    let answer = api.call("POST", "/v1/connect/intentions", INTENTION).await?;
    let made: Value = serde_json::from_slice(&answer.body).with_context(|| answer.excerpt())?;
    made["ID"].as_str().map(str::to_owned).with_context(|| format!("{made} has no ID"))
}

/// Opens one connection after the other until one leads to the application, or none does.
async fn until(address: SocketAddr, leads: bool) -> Result<()> {
    let waiting = async {
        while open(address, Role::Quiet).await.is_ok() != leads {
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, waiting).await.context("an intention is not enforced after 15 s")
}
