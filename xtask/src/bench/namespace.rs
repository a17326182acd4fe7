use super::Scene;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A network namespace with a loopback of its own; gone when dropped.
pub struct Namespace {
    name: String,
}

/// A child process that is ended when dropped.
pub struct Process(Child);

impl Process {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has already ended is what we want.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Namespace {
    pub fn create() -> Result<Self> {
        if !shell::on_path("ip") {
            bail!("`ip` is not installed: apt-get install iproute2");
        }
        let name = format!("mesh-bench-{}", std::process::id());
        shell::must(shell::command("ip", &["netns", "add", &name]))?;
        let namespace = Self { name };
        shell::must(shell::command("ip", &["-n", &namespace.name, "link", "set", "lo", "up"]))?;
        // Plenty of client ports for the connection rates; peers listen below 20000.
        let settings = ["net.ipv4.ip_local_port_range=20000 65535", "net.ipv4.tcp_tw_reuse=1"];
        let mut sysctl = namespace.command("sysctl", None);
        sysctl.arg("-qw").args(settings);
        shell::must(sysctl)?;
        Ok(namespace)
    }

    /// A command that runs inside, on one core if asked to. (`ip netns exec` would hide the cgroups.)
    pub fn command(&self, program: impl AsRef<OsStr>, core: Option<usize>) -> Command {
        let mut command = match core {
            None => Command::new("nsenter"),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string(), "nsenter"]);
                command
            }
        };
        // Each becomes the next: the child's id is the program's.
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(program).current_dir(shell::root());
        command
    }

    /// The same, in a cgroup from its first instruction on.
    pub fn command_in(&self, entrance: &Path, program: impl AsRef<OsStr>, core: Option<usize>) -> Command {
        let mut command = self.command("sh", core);
        command.args(["-c", "echo 0 > \"$0\" && exec \"$@\""]).arg(entrance).arg(program);
        command
    }

    /// Starts a command whose output goes to a file named after `label`.
    pub fn spawn(&self, scene: &Scene, label: &str, mut command: Command) -> Result<Process> {
        let file = scene.directory.join(format!("{label}.log"));
        let log = std::fs::File::create(&file).with_context(|| format!("making {}", file.display()))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Process(command.spawn().with_context(|| format!("starting {label}"))?))
    }

    /// The application behind every path.
    pub fn start_app(&self, scene: &Scene, core: Option<usize>) -> Result<Process> {
        let mut command = self.command(&scene.tool, core);
        command.args(["load", "serve", "--listen", &scene.app.to_string()]);
        self.spawn(scene, "app", command)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = shell::must(shell::command("ip", &["netns", "del", &self.name]));
        if let Err(error) = deleted {
            eprintln!("the namespace stays behind: {error:#}");
        }
    }
}
