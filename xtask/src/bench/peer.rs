use super::Scene;
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

    /// Starts its processes, on one core if asked to, and gives where clients connect.
    ///
    /// # Errors
    /// A program cannot be started.
    fn launch(&self, scene: &Scene, core: Option<usize>) -> Result<(SocketAddr, Vec<Process>)>;

    /// Starts it and waits until the path is up.
    ///
    /// # Errors
    /// It ends, or does not come up in time.
    fn start(&self, scene: &Scene, core: Option<usize>) -> Result<Running> {
        let (address, processes) = self.launch(scene, core)?;
        let mut running = Running { address, processes };
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

/// A peer whose path is up.
pub struct Running {
    pub address: SocketAddr,
    pub processes: Vec<Process>,
}

impl Running {
    /// One byte there and back.
    fn is_up(&self, scene: &Scene) -> bool {
        let mut command = scene.namespace.command(&scene.tool, None);
        command.args(["load", "connect", "--clients", "1", "--secs", "0.05"]);
        command.args(["--addr", &self.address.to_string()]);
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
