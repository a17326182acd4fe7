//! Several servers on one host, each with an address of its own.

use crate::http::{self, Response};
use crate::lan::{Host, Lan};
use crate::process::{Output, Process, run};
use crate::wait::{eventually, slowness, within};
use crate::{PortBlock, binary};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The secret that they share.
pub const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// What a server takes for its patience with others, at most.
const MOST_PATIENT: u32 = 10;

/// Servers `s0`, `s1` and so on, which join the first one.
pub struct TestCluster {
    pub servers: Vec<TestServer>,
    setting: Setting,
    ports: PortBlock,
    directory: TempDir,
}

/// What is the same for all servers of a cluster.
#[derive(Default)]
pub struct Setting {
    /// How many servers expect each other.
    pub servers: usize,
    /// Hosts of their own, one for each; this one where there are none.
    pub hosts: Vec<Host>,
    /// Configuration on top of what makes them a cluster.
    pub config: Value,
    /// Variables of each one's environment, by its number.
    pub variables: Vec<Vec<(String, String)>>,
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
    pub ip: IpAddr,
    host: Option<Host>,
    variables: Vec<(String, String)>,
    process: Option<Process>,
    command: Vec<String>,
    config: PathBuf,
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
        Self::with(Setting { servers: count, ..Setting::default() }, flags)
    }

    /// The first so many hosts of this network, a server on each.
    pub fn on(lan: &Lan, count: usize, setting: Setting) -> Self {
        Self::with(Setting { servers: count, hosts: lan.hosts(), ..setting }, &[])
    }

    fn with(setting: Setting, flags: &[&str]) -> Self {
        let mut cluster = Self::of(setting);
        for _ in 0..cluster.setting.servers {
            cluster.add(flags);
        }
        cluster.wait_for_leader();
        for server in &cluster.servers {
            server.wait_for_node(&server.name);
        }
        cluster
    }

    /// So many servers that expect each other, and know nobody.
    pub fn of_strangers(count: usize) -> Self {
        let mut cluster = Self::empty(count);
        for _ in 0..count {
            cluster.add_joining(None, &[]);
        }
        cluster
    }

    /// No server yet; those that are added expect so many.
    pub fn empty(servers: usize) -> Self {
        Self::of(Setting { servers, ..Setting::default() })
    }

    fn of(setting: Setting) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        Self { servers: Vec::new(), setting, ports: PortBlock::claim(), directory }
    }

    /// Starts one more server, with these flags.
    pub fn add(&mut self, flags: &[&str]) -> usize {
        self.add_joining(self.servers.first().map(TestServer::serf), flags)
    }

    /// One that joins whoever gossips at this port of the loopback interface.
    pub fn add_through(&mut self, port: u16, flags: &[&str]) -> usize {
        self.add_joining(Some(format!("127.0.0.1:{port}")), flags)
    }

    /// Without somebody to join it joins itself.
    fn add_joining(&mut self, join: Option<String>, flags: &[&str]) -> usize {
        let number = self.servers.len();
        let server = TestServer::new(number, &self.setting, join, &self.ports, self.directory.path(), flags);
        self.servers.push(server);
        self.servers[number].launch();
        number
    }

    /// Where the test may put files of its own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the agents' APIs are.
    pub fn agents(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(TestServer::http).collect()
    }

    /// Lets all gossip with each other.
    pub fn gossip(&self) {
        for server in &self.servers[1..] {
            server.mesh(&["join", &self.servers[0].serf()]).success();
        }
    }

    /// A port for something else.
    pub fn port(&self) -> u16 {
        self.ports.take()
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
        setting: &Setting,
        join: Option<String>,
        ports: &PortBlock,
        directory: &Path,
        flags: &[&str],
    ) -> Self {
        let take = || ports.take();
        let (http_port, rpc_port, serf_port, wan_port) = (take(), take(), take(), take());
        let host = setting.hosts.get(number).cloned();
        let ip = IpAddr::V4(host.as_ref().map_or(Ipv4Addr::LOCALHOST, |host| host.ip));
        let config = json!({
            "server": true, "bootstrap_expect": setting.servers, "encrypt": SECRET,
            "bind_addr": ip, "client_addr": ip, "retry_interval": "1s",
            "retry_join": [join.unwrap_or_else(|| format!("{ip}:{serf_port}"))],
            "ports": {"http": http_port, "dns": -1, "server": rpc_port,
                "serf_lan": serf_port, "serf_wan": wan_port, "grpc": -1},
            "performance": {"raft_multiplier": slowness().min(MOST_PATIENT)},
        });
        let write = |name: String, config: &Value| {
            let file = directory.join(name);
            std::fs::write(&file, config.to_string()).expect("configuration can be written");
            ["-config-file".to_owned(), file.to_string_lossy().into_owned()]
        };
        let name = format!("s{number}");
        let (log, data) = (directory.join(format!("{name}.log")), directory.join(&name));
        let mut command: Vec<String> = vec!["agent".into(), "-node".into(), name.clone()];
        command.extend(write(format!("{name}.json"), &config));
        if !setting.config.is_null() {
            command.extend(write(format!("{name}-more.json"), &setting.config));
        }
        command.extend(["-data-dir".into(), data.to_string_lossy().into_owned()]);
        command.extend(flags.iter().map(ToString::to_string));
        let variables = setting.variables.get(number).cloned().unwrap_or_default();
        let (process, config) = (None, directory.join(format!("{name}.json")));
        Self {
            name,
            http_port,
            rpc_port,
            serf_port,
            wan_port,
            ip,
            host,
            variables,
            process,
            command,
            config,
            log,
            data,
        }
    }

    /// Starts the process; it may take a while to know a leader.
    pub fn launch(&mut self) {
        self.launch_by(Command::new(binary::mesh()));
    }

    /// The same by a command that carries out another one: it gets that as further arguments.
    pub fn launch_under(&mut self, mut command: Command) {
        command.arg(binary::mesh());
        self.launch_by(command);
    }

    fn launch_by(&mut self, mut command: Command) {
        command.args(&self.command).envs(self.variables.iter().cloned());
        if let Some(host) = &self.host {
            host.namespace.enter(&mut command);
        }
        self.process = Some(Process::start(command, &self.log));
    }

    /// From its next start on it joins whoever gossips at this port.
    pub fn join_instead(&self, port: u16) {
        let text = std::fs::read_to_string(&self.config).expect("its configuration can be read");
        let mut config: Value = serde_json::from_str(&text).expect("its configuration is JSON");
        config["retry_join"] = json!([format!("127.0.0.1:{port}")]);
        std::fs::write(&self.config, config.to_string()).expect("configuration can be written");
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    /// All that it has printed since it was made.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where it gossips, as `ip:port`.
    pub fn serf(&self) -> String {
        format!("{}:{}", self.ip, self.serf_port)
    }

    pub fn address(&self) -> String {
        SocketAddr::new(self.ip, self.rpc_port).to_string()
    }

    /// Where its API is.
    pub fn http(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.http_port)
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
        http::request_at(self.http(), http::PATIENCE, method, target, body).ok()
    }

    #[track_caller]
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let answered = http::request_at(self.http(), http::PATIENCE, method, target, body);
        answered.unwrap_or_else(|error| panic!("{} {method} {target}: {error}", self.name))
    }

    /// A command line of `mesh` against this server.
    pub fn mesh(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary::mesh());
        command.env("CONSUL_HTTP_ADDR", self.http().to_string()).args(arguments);
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
