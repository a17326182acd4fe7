use super::client::Client;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    addr: SocketAddr,
    #[arg(long, default_value = "GET")]
    method: String,
    #[arg(long)]
    path: String,
    #[arg(long, default_value = "")]
    body: String,
}

const PATIENCE: Duration = Duration::from_secs(10);

pub async fn run(options: &Options) -> Result<Value> {
    let asked = async {
        let mut client = Client::dial(options.addr).await?;
        client.call(&options.method, &options.path, &options.body).await
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await.context("there is no answer in 10 s")??;
    Ok(json!({ "status": answer.status, "body": String::from_utf8_lossy(&answer.body) }))
}
