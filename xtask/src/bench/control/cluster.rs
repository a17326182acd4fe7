use super::software::Software;
use crate::bench::Scene;
use crate::bench::namespace::Process;
use crate::bench::peer::run_tool;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Servers of one software, up and agreeing.
pub struct Cluster {
    servers: Vec<Server>,
    /// Which of them leads.
    leader: usize,
}

pub struct Server {
    pub http: SocketAddr,
    process: Process,
}

impl Server {
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn dns(&self) -> SocketAddr {
        SocketAddr::new(self.http.ip(), 8600)
    }
}

/// How long a cluster may take to form.
const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// Starts servers without any state, and waits until each of them takes a write.
    ///
    /// # Errors
    /// One of them ends, or they do not agree in time.
    pub fn start(scene: &Scene, software: &Software, label: &str, count: u8) -> Result<Self> {
        let mut servers = Vec::new();
        for number in 1..=count {
            let label = format!("{}-{label}-{number}", software.name());
            let data = scene.directory.join(format!("{label}.data"));
            if data.exists() {
                std::fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
            }
            let command = software.server(scene, number, count, &data)?;
            let process = scene.namespace.spawn(scene, &label, command)?;
            servers.push(Server { http: software.http(number), process });
        }
        let mut cluster = Self { servers, leader: 0 };
        cluster.wait(scene, software.name())?;
        cluster.leader = cluster.find_leader(scene)?;
        Ok(cluster)
    }

    pub fn leader(&self) -> &Server {
        &self.servers[self.leader]
    }

    pub fn followers(&self) -> impl Iterator<Item = &Server> {
        let servers = self.servers.iter().enumerate();
        servers.filter(|(number, _)| *number != self.leader).map(|(_, server)| server)
    }

    fn wait(&mut self, scene: &Scene, name: &str) -> Result<()> {
        let begun = Instant::now();
        for server in &mut self.servers {
            while ask(scene, server.http, "PUT", "/v1/kv/up", "1").is_err() {
                if server.process.has_ended() {
                    bail!("a server of {name} has ended: see the logs in {}", scene.directory.display());
                }
                if begun.elapsed() > PATIENCE {
                    bail!("{name} takes no write: see the logs in {}", scene.directory.display());
                }
                pause(Duration::from_millis(100));
            }
        }
        Ok(())
    }

    fn find_leader(&self, scene: &Scene) -> Result<usize> {
        let leader = ask(scene, self.servers[0].http, "GET", "/v1/status/leader", "")?;
        let address: SocketAddr =
            leader.trim().trim_matches('"').parse().context("reading the leader's address")?;
        let found = self.servers.iter().position(|server| server.http.ip() == address.ip());
        found.with_context(|| format!("{address} leads, which is none of the servers"))
    }
}

/// For what nothing tells us of: another process's next attempt, or what it frees a little later.
#[allow(clippy::disallowed_methods)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// One request; the body of its answer.
///
/// # Errors
/// There is no answer, or not a good one.
pub fn ask(scene: &Scene, server: SocketAddr, method: &str, path: &str, body: &str) -> Result<String> {
    let mut command = scene.namespace.command(&scene.tool, None);
    command.args(["load", "ask", "--addr", &server.to_string(), "--method", method]);
    command.args(["--path", path, "--body", body]);
    let answer = run_tool(command)?;
    let text = answer["body"].as_str().unwrap_or_default().to_owned();
    if answer["status"] != 200 {
        bail!("{method} {path} at {server} is answered {}: {text}", answer["status"]);
    }
    Ok(text)
}
