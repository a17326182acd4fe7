//! Several servers on one host, each with an address of its own.

use crate::http::{self, Response};
use crate::process::{Output, Process, run};
use crate::wait::{eventually, within};
use crate::{PortBlock, binary};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The secret that they share.
pub const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Servers `s0`, `s1` and so on, which know the first one's address.
pub struct TestCluster {
    pub servers: Vec<TestServer>,
    expect: usize,
    ports: PortBlock,
    directory: TempDir,
}

/// One server. Its data outlives its process.
pub struct TestServer {
    pub name: String,
    pub http_port: u16,
    pub rpc_port: u16,
    /// Where it gossips.
    pub serf_port: u16,
    /// Where it gossips with servers of other datacenters.
    pub wan_port: u16,
    process: Option<Process>,
    command: Vec<String>,
    log: PathBuf,
    data: PathBuf,
}

impl TestCluster {
    /// So many servers that expect each other, with a leader that all of them know.
    pub fn start(count: usize) -> Self {
        Self::start_with(count, &[])
    }

    /// The same, each with these flags.
    pub fn start_with(count: usize, flags: &[&str]) -> Self {
        let ports = PortBlock::claim();
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut cluster = Self { servers: Vec::new(), expect: count, ports, directory };
        for _ in 0..count {
            cluster.add(flags);
        }
        cluster.wait_for_leader();
        for server in &cluster.servers {
            server.wait_for_node(&server.name);
        }
        cluster
    }

    /// Starts one more server, with these flags.
    pub fn add(&mut self, flags: &[&str]) -> usize {
        let number = self.servers.len();
        let first = self.servers.first().map(|server| server.rpc_port);
        let server = TestServer::new(number, self.expect, first, &self.ports, self.directory.path(), flags);
        self.servers.push(server);
        self.servers[number].launch();
        number
    }

    /// The number of the server that leads, known to all that run.
    pub fn wait_for_leader(&self) -> usize {
        eventually("all servers know one leader", || self.leader())
    }

    /// The number of the server that leads, if all that run agree on it.
    pub fn leader(&self) -> Option<usize> {
        let mut running = self.servers.iter().filter(|server| server.is_running());
        let leader = running.next()?.leader()?;
        if !running.all(|server| server.leader().as_ref() == Some(&leader)) {
            return None;
        }
        self.servers.iter().position(|server| leader == server.address())
    }
}

impl TestServer {
    fn new(
        number: usize,
        expect: usize,
        first: Option<u16>,
        ports: &PortBlock,
        directory: &std::path::Path,
        flags: &[&str],
    ) -> Self {
        let take = || ports.take();
        let (http_port, rpc_port, serf_port, wan_port) = (take(), take(), take(), take());
        let config = json!({
            "server": true, "bootstrap_expect": expect, "encrypt": SECRET,
            "bind_addr": "127.0.0.1", "retry_join": [format!("127.0.0.1:{}", first.unwrap_or(rpc_port))],
            "ports": {"http": http_port, "dns": -1, "server": rpc_port,
                "serf_lan": serf_port, "serf_wan": wan_port, "grpc": -1},
        });
        let file = directory.join(format!("s{number}.json"));
        std::fs::write(&file, config.to_string()).expect("configuration can be written");
        let (log, data) = (directory.join(format!("s{number}.log")), directory.join(format!("s{number}")));
        let name = format!("s{number}");
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut command: Vec<String> = vec!["agent".into(), "-node".into(), name.clone()];
        command.extend(["-config-file".into(), text(&file), "-data-dir".into(), text(&data)]);
        command.extend(flags.iter().map(ToString::to_string));
        Self { name, http_port, rpc_port, serf_port, wan_port, process: None, command, log, data }
    }

    /// Starts the process; it may take a while to know a leader.
    pub fn launch(&mut self) {
        let mut command = Command::new(binary::mesh());
        command.args(&self.command);
        self.process = Some(Process::start(command, &self.log));
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.rpc_port)
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Forgets all that it kept.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(&self.data).expect("a server's data can be removed");
    }

    pub fn try_request(&self, method: &str, target: &str, body: &[u8]) -> Option<Response> {
        http::request(self.http_port, method, target, body).ok()
    }

    #[track_caller]
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let answered = http::request(self.http_port, method, target, body);
        answered.unwrap_or_else(|error| panic!("{} {method} {target}: {error}", self.name))
    }

    /// A command line of `mesh` against this server.
    pub fn mesh(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary::mesh());
        command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", self.http_port)).args(arguments);
        run(&mut command)
    }

    /// Whom it believes to lead.
    pub fn leader(&self) -> Option<String> {
        let response = self.try_request("GET", "/v1/status/leader", b"")?;
        response.json().as_str().filter(|leader| !leader.is_empty()).map(str::to_owned)
    }

    /// Registers a node without an agent; the status and text of the answer.
    pub fn register(&self, node: &str) -> Option<Response> {
        let body = json!({"Node": node, "Address": "10.9.9.9"}).to_string();
        self.try_request("PUT", "/v1/catalog/register", body.as_bytes())
    }

    /// Whether it has such a node, by a read of this kind.
    pub fn has_node(&self, node: &str, consistency: &str) -> Option<bool> {
        let response = self.try_request("GET", &format!("/v1/catalog/node/{node}?{consistency}"), b"")?;
        (response.status == 200).then(|| response.json() != Value::Null)
    }

    pub fn wait_for_node(&self, node: &str) {
        eventually(&format!("{} knows node {node}", self.name), || {
            self.has_node(node, "stale").filter(|known| *known)
        });
    }

    /// Tries until a write is accepted.
    pub fn write_within(&self, limit: Duration, node: &str) -> Option<()> {
        within(limit, || self.register(node).filter(|response| response.status == 200).map(drop))
    }
}
