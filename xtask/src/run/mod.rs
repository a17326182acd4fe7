//! `cargo xtask run`: a demonstration of the mesh on this machine.

mod service;
mod story;

use crate::{build, shell};
use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use service::{API_PORT, UPSTREAM_PORT, WEB_PORT};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

#[derive(clap::Args)]
pub struct Options {
    /// Start this binary instead of building one
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// Builds the release binary, starts an agent and two services with sidecars, says what to try, and ends it all
/// at Ctrl-C.
pub fn run(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build::run()?,
    };
    // Blocked before any thread starts, so that only `attend` sees them.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    signals.thread_block().context("blocking signals")?;
    service::start_both()?;
    let demonstration = Demonstration::start(&binary, &signals)?;
    println!("waiting for the first health checks ...");
    let shown = story::Story { binary, log: demonstration.log.clone() };
    std::thread::spawn(move || shown.tell_once_it_works());
    demonstration.attend(&signals)
}

/// The agent under way, with its files in target/demo.
struct Demonstration {
    agent: Child,
    log: PathBuf,
}

impl Demonstration {
    fn start(binary: &Path, blocked: &SigSet) -> Result<Self> {
        let place = shell::target().join("demo");
        let config = place.join("config");
        std::fs::create_dir_all(&config).with_context(|| format!("making {}", config.display()))?;
        std::fs::write(config.join("services.json"), format!("{:#}\n", services()))?;
        let log = place.join("agent.log");
        let file = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut command = Command::new(binary);
        command.args(["agent", "-dev", "-config-dir"]).arg(&config);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // In a group of its own a Ctrl-C does not reach it: we tell it, once, to leave.
        command.process_group(0);
        // A child inherits what is blocked.
        blocked.thread_unblock().context("unblocking signals")?;
        let agent = command.spawn();
        blocked.thread_block().context("blocking signals")?;
        Ok(Self { agent: agent.with_context(|| format!("starting {}", binary.display()))?, log })
    }

    /// Waits for the end: the agent's own, or one asked for.
    fn attend(mut self, signals: &SigSet) -> Result<()> {
        loop {
            match signals.wait().context("waiting for signals")? {
                Signal::SIGCHLD => {
                    if let Some(status) = self.agent.try_wait().context("waiting for the agent")? {
                        return Err(self.ended_early(status));
                    }
                }
                _ => return self.end(),
            }
        }
    }

    fn end(mut self) -> Result<()> {
        eprintln!("\nending the demonstration");
        let pid = Pid::from_raw(i32::try_from(self.agent.id()).expect("process ids are small"));
        kill(pid, Signal::SIGTERM).context("telling the agent to leave")?;
        let status = self.agent.wait().context("waiting for the agent")?;
        if !status.success() {
            bail!("the agent did not leave in order: {status}; see {}", self.log.display());
        }
        Ok(())
    }

    fn ended_early(&self, status: ExitStatus) -> anyhow::Error {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(10)..].join("\n");
        anyhow::anyhow!(
            "the agent ended by itself ({status}); its log ends with:\n\n{end}\n\nanother agent may run on this machine"
        )
    }
}

/// What the agent is told: two services, each with a sidecar; web's leads to api.
fn services() -> Value {
    let check = |port: u16| json!({"http": format!("http://127.0.0.1:{port}/health"), "interval": "2s"});
    let upstream = json!({"destination_name": "api", "local_bind_port": UPSTREAM_PORT});
    json!({"services": [
        {
            "name": "web",
            "port": WEB_PORT,
            "check": check(WEB_PORT),
            "connect": {"sidecar_service": {"proxy": {"upstreams": [upstream]}}},
        },
        {
            "name": "api",
            "port": API_PORT,
            "check": check(API_PORT),
            "connect": {"sidecar_service": {}},
        },
    ]})
}
