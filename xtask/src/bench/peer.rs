use super::Scene;
use super::cgroups::Cgroups;
use super::namespace::Process;
use anyhow::{Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a path may take to come up; an agent needs its certificates first.
const PATIENCE: Duration = Duration::from_secs(40);

/// Something that leads from a client to the application.
pub trait Peer {
    fn name(&self) -> &'static str;

    /// Starts its processes, on one core if asked to.
    ///
    /// # Errors
    /// A program cannot be started.
    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<Running>;

    /// Starts it and waits until the path is up.
    ///
    /// # Errors
    /// It ends, or does not come up in time.
    fn start(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let mut running = self.launch(scene, core)?;
        let begun = Instant::now();
        while !running.is_up(scene) {
            if running.processes.iter_mut().any(Process::has_ended) {
                bail!("{} has ended: see the logs in {}", self.name(), scene.directory.display());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} does not lead to the application: see {}", self.name(), scene.directory.display());
            }
        }
        Ok(running)
    }
}

/// What a peer has started.
pub struct Running {
    /// Where clients connect, as `HOST:PORT`.
    pub address: String,
    /// Whose work is counted.
    pub processes: Vec<Process>,
    /// Where an agent of ours takes intentions.
    pub api: Option<SocketAddr>,
    /// Where the kernel steers: it is done away with last.
    pub steered: Option<Steered>,
}

/// A server, and the cgroups by which the kernel knows it and its clients.
pub struct Steered {
    _server: Process,
    pub cgroups: Cgroups,
}

impl Steered {
    pub fn new(server: Process, cgroups: Cgroups) -> Self {
        Self { _server: server, cgroups }
    }
}

impl Running {
    /// One that clients connect to by themselves.
    pub fn new(address: SocketAddr, processes: Vec<Process>) -> Self {
        Self { address: address.to_string(), processes, api: None, steered: None }
    }

    /// The load tool, as a client of this path.
    pub fn client(&self, scene: &Scene, core: Option<usize>) -> Command {
        let mut command = match &self.steered {
            None => scene.namespace.command(&scene.tool, core),
            Some(steered) => {
                scene.namespace.command_in(&steered.cgroups.entrance("client"), &scene.tool, core)
            }
        };
        command.arg("load");
        command
    }

    /// What the load tool is told so that it can measure this path beside none.
    pub fn beside(&self, plain: SocketAddr) -> Vec<String> {
        let mut told = vec!["--plain".to_owned(), plain.to_string()];
        if let Some(steered) = &self.steered {
            let (entrance, exit) = (steered.cgroups.entrance("client"), steered.cgroups.exit());
            told.extend(["--entrance".to_owned(), text(&entrance), "--exit".to_owned(), text(&exit)]);
        }
        told
    }

    /// One byte there and back.
    fn is_up(&self, scene: &Scene) -> bool {
        let mut command = self.client(scene, None);
        command.args(["connect", "--clients", "1", "--secs", "0.05", "--addr", &self.address]);
        run_tool(command).is_ok_and(|found| found["failed"] == 0)
    }
}

/// Runs the load tool and reads its answer.
///
/// # Errors
/// It says `error`, or nothing that can be read.
pub fn run_tool(mut command: Command) -> Result<Value> {
    let output = command.output()?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    match found.get("error") {
        Some(error) => bail!("{error}"),
        None => Ok(found),
    }
}

/// Writes a configuration file of this run.
pub fn write(scene: &Scene, name: &str, text: &str) -> Result<std::path::PathBuf> {
    let file = scene.directory.join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
