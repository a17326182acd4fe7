//! The control plane's load: clients of any agent that speaks Consul's HTTP API and DNS.
//!
//! All of it runs on one thread, keeps its connections open, and counts each answer that is not what was
//! asked for as failed. It does not know whose agent it talks to.

mod ask;
pub mod client;
mod dns;
mod failover;
mod refused;
mod requests;
mod template;
mod wake;
mod watchers;

use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

#[derive(Subcommand)]
pub enum ControlMode {
    /// One request
    Ask(ask::Options),
    /// Requests in a closed loop: each client sends the next one when it has the last one's answer
    Requests(requests::Options),
    /// Time from a write until blocking queries have answered
    Wake(wake::Options),
    /// What blocking queries cost that nothing happens to
    Watchers(watchers::Options),
    /// Questions for addresses by DNS over UDP
    Dns(dns::Options),
    /// Time from an intention that denies until a connection is refused
    Refused(refused::Options),
    /// Kills a process and takes the time until another server takes a write
    Failover(failover::Options),
}

impl ControlMode {
    pub async fn run(self) -> Result<Value> {
        match self {
            Self::Ask(options) => ask::run(&options).await,
            Self::Requests(options) => requests::run(options).await,
            Self::Wake(options) => wake::run(&options).await,
            Self::Watchers(options) => watchers::run(&options).await,
            Self::Dns(options) => dns::run(&options).await,
            Self::Refused(options) => refused::run(&options).await,
            Self::Failover(options) => failover::run(&options).await,
        }
    }
}
