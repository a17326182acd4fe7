//! An agent under test.

use crate::http::{self, Response};
use crate::process::{Output, Process, run};
use crate::wait::{eventually, within};
use crate::{PortBlock, binary};
use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How to start one.
#[derive(Default)]
pub struct AgentOptions {
    /// Configuration on top of the ports; objects are merged.
    pub config: Value,
    /// Flags on top of `-config-dir`.
    pub flags: Vec<String>,
    /// Keep state in a data directory and take the server's long way, instead of `-dev`.
    pub persistent: bool,
    /// Start it as a parent does that has blocked this signal.
    pub blocked: Option<Signal>,
}

/// A running agent with ports and directories of its own.
pub struct TestAgent {
    process: Option<Process>,
    options: AgentOptions,
    pub ports: Arc<PortBlock>,
    pub http_port: u16,
    pub dns_port: u16,
    directory: TempDir,
}

impl TestAgent {
    /// In development mode, with a leader.
    pub fn start() -> Self {
        Self::with(AgentOptions::default())
    }

    /// In development mode, with this configuration.
    pub fn with_config(config: Value) -> Self {
        Self::with(AgentOptions { config, ..AgentOptions::default() })
    }

    pub fn with(options: AgentOptions) -> Self {
        let ports = Arc::new(PortBlock::claim());
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (http_port, dns_port) = (ports.take(), ports.take());
        let mut agent = Self { process: None, options, ports, http_port, dns_port, directory };
        std::fs::create_dir(agent.config_directory()).expect("a configuration directory can be made");
        agent.write_config("00-ports.json", &agent.port_config());
        if !agent.options.config.is_null() {
            agent.write_config("10-test.json", &agent.options.config);
        }
        agent.launch();
        agent
    }

    fn port_config(&self) -> Value {
        let take = || self.ports.take();
        let (sidecars, managed) = (self.ports.take_range(8), self.ports.take_range(8));
        json!({"connect": {"enabled": true}, "ports": {
            "http": self.http_port, "dns": self.dns_port, "grpc": -1, "https": -1,
            "server": take(), "serf_lan": take(), "serf_wan": take(),
            "sidecar_min_port": sidecars, "sidecar_max_port": sidecars + 7,
            "proxy_min_port": managed, "proxy_max_port": managed + 7,
        }})
    }

    fn config_directory(&self) -> PathBuf {
        self.directory.path().join("config")
    }

    /// Where the test may put files of its own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes or replaces a configuration file; SIGHUP makes it count.
    pub fn write_config(&self, name: &str, config: &Value) {
        let path = self.config_directory().join(name);
        std::fs::write(path, config.to_string()).expect("configuration can be written");
    }

    /// Starts the process, and waits until it has a leader and knows its own node.
    pub fn launch(&mut self) {
        let mut command = Command::new(binary::mesh());
        command.args(["agent", "-node", "test-node", "-config-dir"]).arg(self.config_directory());
        if self.options.persistent {
            command
                .args(["-server", "-bootstrap", "-bind=127.0.0.1", "-data-dir"])
                .arg(self.directory.path().join("data"));
        } else {
            command.arg("-dev");
        }
        command.args(&self.options.flags);
        if let Some(signal) = self.options.blocked {
            block(&mut command, signal);
        }
        self.process = Some(Process::start(command, &self.directory.path().join("agent.log")));
        eventually("the agent has a leader and its node is in the catalog", || {
            self.assert_alive();
            let node = self.try_get("/v1/catalog/node/test-node")?;
            (node.status == 200 && node.body != "null").then_some(())
        });
    }

    fn assert_alive(&mut self) {
        let ended = self.process_mut().ended();
        assert!(ended.is_none(), "the agent ended: {ended:?}");
    }

    fn process_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("the agent was started")
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the agent was started")
    }

    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    pub fn log(&self) -> String {
        self.process().log()
    }

    pub fn signal(&self, signal: Signal) {
        self.process().signal(signal);
    }

    /// How it ended, if it does in time.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.process_mut().wait(limit)
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn try_get(&self, target: &str) -> Option<Response> {
        http::request(self.http_port, "GET", target, b"").ok()
    }

    #[track_caller]
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let answered = http::request(self.http_port, method, target, body);
        answered.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target, b"")
    }

    /// The JSON of a request that must succeed.
    #[track_caller]
    pub fn get_json(&self, target: &str) -> Value {
        let response = self.get(target);
        assert_eq!(response.status, 200, "{target}: {}", response.body);
        response.json()
    }

    #[track_caller]
    pub fn put(&self, target: &str, body: &Value) -> Response {
        self.request("PUT", target, body.to_string().as_bytes())
    }

    /// Registers a service through the agent.
    #[track_caller]
    pub fn register(&self, definition: &Value) {
        let response = self.put("/v1/agent/service/register", definition);
        assert_eq!(response.status, 200, "{definition}: {}", response.body);
    }

    /// A command line of `mesh` against this agent.
    pub fn mesh(&self, arguments: &[&str]) -> Output {
        run(self.client_command(binary::mesh()).args(arguments))
    }

    /// A client program that is told where this agent is.
    pub fn client_command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", self.http_port));
        command
    }

    /// Starts a client program that stays, such as a proxy.
    pub fn start_client(&self, program: &Path, arguments: &[&str], log: &str) -> Process {
        let mut command = self.client_command(program);
        command.args(arguments);
        Process::start(command, &self.directory.path().join(log))
    }

    /// Waits until so many instances of a service pass.
    pub fn wait_for_passing(&self, service: &str, instances: usize) {
        let target = format!("/v1/health/service/{service}?passing=1");
        eventually(&format!("{instances} instances of {service} pass"), || {
            let found = self.try_get(&target)?;
            (found.status == 200 && found.json().as_array()?.len() == instances).then_some(())
        });
    }
}

fn block(command: &mut Command, signal: Signal) {
    let mask = SigSet::from_iter([signal]);
    // SAFETY: between fork and exec it makes one system call, and touches no memory but its own copy of the mask.
    unsafe { command.pre_exec(move || Ok(mask.thread_block()?)) };
}

/// What a plain `curl http://localhost:PORT` sees.
pub fn curl(port: u16) -> std::io::Result<String> {
    http::request(port, "GET", "/", b"").map(|response| response.body)
}

/// Asks until the text comes.
#[track_caller]
pub fn wait_for_text(port: u16, text: &str) {
    let seen = within(Duration::from_secs(60), || curl(port).ok().filter(|body| body == text));
    assert!(seen.is_some(), "port {port} never answered {text:?}; now: {:?}", curl(port));
}

/// Asks until no text comes any more.
#[track_caller]
pub fn wait_for_refusal(port: u16) {
    let refused = within(Duration::from_secs(60), || curl(port).is_err().then_some(()));
    assert!(refused.is_some(), "port {port} still answers {:?}", curl(port));
}
