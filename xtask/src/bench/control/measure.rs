use super::Options;
use super::cluster::pause;
use super::fixture::Fixture;
use crate::bench::Scene;
use crate::bench::peer::run_tool;
use crate::load::usage::Sampler;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// One measurement of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Measure {
    /// Values written, one client
    Put1,
    /// Values written, 16 clients
    Put16,
    /// Values written, 64 clients
    Put64,
    /// Values read, 64 clients
    Get,
    /// Services registered with an agent, 16 clients
    AgentRegister,
    /// Services registered in the catalog, 16 clients
    CatalogRegister,
    /// From a write until a blocking query has answered
    Wake,
    /// Connections authorized, 64 clients
    Authorize,
    /// Connections authorized, one client
    AuthorizeOne,
    /// Leaf certificates, 8 clients
    Leaf,
    /// Addresses by DNS
    Dns,
    /// From a denial until a connection is refused
    Refused,
    /// What blocking queries cost to which nothing happens
    Watchers,
    /// Memory of a leader with many services
    Memory,
    /// Memory of a development agent with many services
    MemoryDev,
    /// From the leader's death until a write is taken
    Failover,
}

/// For what is freed a little later.
const SETTLE: Duration = Duration::from_secs(5);

/// Services that get a certificate in one round: an agent keeps those of 4,096.
const LEAVES: u32 = 400;

const AGENT_SERVICE: &str = r#"{"Name":"reg-{k}","ID":"reg-{k}","Port":80,"Tags":["r{run}-{n}"]}"#;
const CATALOG_SERVICE: &str = r#"{"Node":"cat-{c}","Address":"10.51.0.1","Service":{"ID":"c-{k}","Service":"c-{k}","Port":80,"Tags":["{run}-{n}"]}}"#;
const CHECKED_SERVICE: &str = r#"{"Node":"mem-{c}","Address":"10.60.0.1","Service":{"ID":"m-{n}","Service":"m-{n}","Port":80},"Check":{"CheckID":"m-{n}","ServiceID":"m-{n}","Name":"c","Status":"passing"}}"#;

impl Measure {
    pub const ALL: [Self; 16] = [
        Self::Put1,
        Self::Put16,
        Self::Put64,
        Self::Get,
        Self::AgentRegister,
        Self::CatalogRegister,
        Self::Wake,
        Self::Authorize,
        Self::AuthorizeOne,
        Self::Leaf,
        Self::Dns,
        Self::Refused,
        Self::Watchers,
        Self::Memory,
        Self::MemoryDev,
        Self::Failover,
    ];

    /// What was freed by earlier measurements would hide growth, and a killed leader is missed afterwards.
    pub fn needs_fresh_processes(self) -> bool {
        matches!(self, Self::Memory | Self::MemoryDev | Self::Failover)
    }

    /// Whether one round tells as much as several.
    pub fn is_steady(self) -> bool {
        matches!(self, Self::Memory | Self::MemoryDev | Self::Watchers)
    }

    /// How many servers of its own it needs.
    pub fn servers(self) -> u8 {
        if self == Self::MemoryDev { 1 } else { 3 }
    }

    /// # Errors
    /// It cannot be taken.
    pub fn run(self, options: &Options, scene: &Scene, fixture: &Fixture) -> Result<Value> {
        let found = match self {
            Self::Memory | Self::MemoryDev => memory(options, scene, fixture),
            _ => load(scene, &self.arguments(options, fixture)),
        };
        found.with_context(|| format!("measuring {self} of {}", fixture.cluster.leader().http))
    }

    fn arguments(self, options: &Options, fixture: &Fixture) -> Vec<String> {
        let leader = fixture.cluster.leader();
        let mut arguments = self.words(fixture);
        match self {
            Self::Failover => {
                arguments.extend(["--pid".to_owned(), leader.id().to_string()]);
                let followers = fixture.cluster.followers();
                arguments.extend(followers.flat_map(|server| ["--addr".to_owned(), server.http.to_string()]));
            }
            Self::Refused => {
                arguments.extend(["--api".to_owned(), leader.http.to_string()]);
                arguments.extend(["--addr".to_owned(), fixture.path.to_string()]);
            }
            Self::Watchers => {
                arguments.extend(["--addr".to_owned(), leader.http.to_string()]);
                arguments.extend(["--pid".to_owned(), leader.id().to_string()]);
                arguments.extend(["--watchers".to_owned(), options.watchers.to_string()]);
            }
            Self::Wake => arguments.extend(["--addr".to_owned(), leader.http.to_string()]),
            Self::Leaf => {
                arguments.extend(["--addr".to_owned(), leader.http.to_string()]);
                arguments.extend(["--total".to_owned(), LEAVES.to_string()]);
            }
            Self::Dns => {
                arguments.extend(["--addr".to_owned(), leader.dns().to_string()]);
                arguments.extend(["--secs".to_owned(), options.secs.to_string()]);
            }
            _ => {
                arguments.extend(["--addr".to_owned(), leader.http.to_string()]);
                arguments.extend(["--secs".to_owned(), options.secs.to_string()]);
            }
        }
        arguments
    }

    /// The load tool's mode, and what is asked.
    fn words(self, fixture: &Fixture) -> Vec<String> {
        let value = "v".repeat(64);
        let put = |clients| requests(clients, "PUT", "/v1/kv/bench/{c}/{k}", &value, "true");
        let authorize =
            |clients| requests(clients, "POST", "/v1/agent/connect/authorize", &fixture.authorize, "true");
        match self {
            Self::Put1 => put(1),
            Self::Put16 => put(16),
            Self::Put64 => put(64),
            Self::Get => requests(64, "GET", "/v1/kv/up", "", "Value"),
            Self::AgentRegister => requests(16, "PUT", "/v1/agent/service/register", AGENT_SERVICE, ""),
            Self::CatalogRegister => requests(16, "PUT", "/v1/catalog/register", CATALOG_SERVICE, "true"),
            Self::Authorize => authorize(64),
            Self::AuthorizeOne => authorize(1),
            Self::Leaf => requests(8, "GET", "/v1/agent/connect/ca/leaf/svc-{run}-{n}", "", "CertPEM"),
            Self::Dns => words(&["dns", "--name", "web.service.consul", "--answers", "3"]),
            Self::Wake => words(&["wake"]),
            Self::Refused => words(&["refused"]),
            Self::Watchers => words(&["watchers"]),
            Self::Failover => words(&["failover"]),
            Self::Memory | Self::MemoryDev => {
                requests(16, "PUT", "/v1/catalog/register", CHECKED_SERVICE, "true")
            }
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn requests(clients: usize, method: &str, path: &str, body: &str, expect: &str) -> Vec<String> {
    let clients = clients.to_string();
    words(&[
        "requests",
        "--clients",
        &clients,
        "--method",
        method,
        "--path",
        path,
        "--body",
        body,
        "--expect",
        expect,
    ])
}

fn load(scene: &Scene, arguments: &[String]) -> Result<Value> {
    let mut command = scene.namespace.command(&scene.tool, None);
    command.arg("load").args(arguments);
    run_tool(command)
}

fn memory(options: &Options, scene: &Scene, fixture: &Fixture) -> Result<Value> {
    let leader = fixture.cluster.leader();
    let mut arguments = Measure::Memory.words(fixture);
    arguments.extend(["--addr".to_owned(), leader.http.to_string()]);
    arguments.extend(["--total".to_owned(), options.services.to_string()]);
    let filled = load(scene, &arguments)?;
    pause(SETTLE);
    let mib = Sampler::start(&[leader.id()]).first().rss_kib as f64 / 1024.0;
    Ok(json!({ "mib": mib, "failed": filled["failed"], "why": filled["why"] }))
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = clap::ValueEnum::to_possible_value(self).expect("no measure is hidden");
        f.write_str(value.get_name())
    }
}
