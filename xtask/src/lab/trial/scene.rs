use super::super::cluster::Lab;
use super::super::node::Node;
use super::super::upgrade::Build;
use super::super::{console, pause};
use super::api::Api;
use super::writer::Writer;
use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// How long anything may take to become true, on machines that are emulated by a busy one.
const PATIENCE: Duration = Duration::from_secs(180);

/// So many acknowledged writes show that writes go on.
const SEVERAL: usize = 10;

/// A lab under load.
pub struct Scene<'a> {
    pub lab: &'a Lab,
    pub writer: Writer,
    /// What the machines are upgraded to.
    pub next: Build,
}

impl<'a> Scene<'a> {
    /// All machines, the smoke test passed, and clients that write; what there is to tell of it.
    pub fn start(lab: &'a Lab, next: Build) -> Result<(Self, Vec<String>)> {
        let began = Instant::now();
        lab.up(&lab.nodes)?;
        let up = began.elapsed().as_secs_f64();
        lab.smoke()?;
        let passed = began.elapsed().as_secs_f64();
        let clients: Vec<&Node> = lab.nodes.iter().filter(|node| !node.is_server()).collect();
        let scene = Self { lab, writer: Writer::start(&clients), next };
        scene.writes_go_on()?;
        let count = lab.nodes.len();
        let (kernel, _) = console::run(&lab.network, &lab.nodes[0], "uname -r")?;
        let told = format!(
            "{count} machines with Linux {} are up after {up:.1} s, the smoke test is passed after {passed:.1} s",
            kernel.trim()
        );
        Ok((scene, vec![told]))
    }

    /// Every write is there, seen from every machine.
    pub fn end(&mut self) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for node in &self.lab.nodes {
            let count = self.writer.check(Api::of(node))?;
            told.push(format!("all {count} acknowledged writes are there, asked of {}", node.name));
        }
        Ok(told)
    }

    pub fn servers(&self) -> impl Iterator<Item = &'a Node> {
        self.lab.nodes.iter().filter(|node| node.is_server())
    }

    /// The client on whose machine this service is.
    pub fn client_with(&self, service: &str) -> Result<&'a Node> {
        let found = self.lab.nodes.iter().find(|node| node.line.ends_with(service));
        found.with_context(|| format!("vagrant/nodes has no machine with {service}"))
    }

    /// Runs a command in a machine's shell; what it said, if it succeeds.
    pub fn shell(&self, node: &Node, command: &str) -> Result<String> {
        let (said, status) = console::run(&self.lab.network, node, command)?;
        if status != 0 {
            bail!("`{command}` failed on {} with status {status}: {}", node.name, said.trim());
        }
        Ok(said)
    }

    /// The server that this machine believes to lead.
    pub fn leader_of(&self, asked: &Node) -> Result<&'a Node> {
        let address = Api::of(asked).leader()?;
        let leader = self.servers().find(|node| node.address == address);
        leader.with_context(|| format!("{} says that {address} leads, which is no server", asked.name))
    }

    /// The one that all servers believe to lead.
    pub fn leader(&self) -> Result<&'a Node> {
        eventually("all servers know one leader", || {
            let mut told = self.servers().map(|server| self.leader_of(server));
            let leader = told.next().context("there is a server")??;
            for other in told {
                if other? != leader {
                    bail!("they do not agree");
                }
            }
            Ok(leader)
        })
    }

    /// Another server than this one that this one's peers believe to lead.
    pub fn successor(&self, of: &Node) -> Result<&'a Node> {
        let asked = self.other_server(of)?;
        eventually("another server leads", || {
            let leader = self.leader_of(asked)?;
            if leader == of { bail!("{} still counts as the leader", of.name) } else { Ok(leader) }
        })
    }

    pub fn other_server(&self, than: &Node) -> Result<&'a Node> {
        self.servers().find(|server| *server != than).context("there is another server")
    }

    /// Some more are acknowledged.
    pub fn writes_go_on(&self) -> Result<()> {
        let before = self.writer.count();
        eventually("writes are acknowledged", || {
            let more = self.writer.count() - before;
            if more < SEVERAL { bail!("there were {more}") } else { Ok(()) }
        })
    }

    /// The machine belongs to the cluster again: it knows the leader, which counts it as alive, and has what is new.
    pub fn follows(&self, node: &Node) -> Result<()> {
        let key = format!("follows/{}/{}", node.name, self.writer.count());
        let other = self.other_server(node)?;
        eventually(&format!("{} is well", node.name), || {
            Api::of(other).ask("PUT", &format!("/v1/kv/{key}"), "something new")?;
            Api::of(node).get(&format!("/v1/kv/{key}?stale"))?;
            let checks = Api::of(other).get(&format!("/v1/health/node/{}", node.name))?;
            let checks = checks.as_array().context("checks are a list")?;
            let alive = checks.iter().find(|check| check["CheckID"] == "serfHealth");
            match alive {
                Some(check) if check["Status"] == "passing" => Ok(()),
                found => bail!("its serfHealth is {found:?}"),
            }
        })
    }
}

/// Waits until it succeeds; what it returns then.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("not in {} s: {what}", PATIENCE.as_secs())));
            }
            Err(_) => pause(),
        }
    }
}
