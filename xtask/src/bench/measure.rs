use super::peer::{Running, run_tool};
use super::{Options, Scene, hooks};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt;

/// One measurement of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Measure {
    /// Bytes per second over one connection
    Bulk1,
    /// Bytes per second over eight
    Bulk8,
    /// A 64-byte question and its answer, everything on one core
    Rtt,
    /// Connections per second with 16 clients
    Conn16,
    /// The call of connect() itself, everything on one core
    Dial,
    /// Time in kernel programs for each connection, and of an intention's look-up
    Hooks,
    /// From the request that denies a pair to the end of its open connection
    Deny,
    /// Memory of idle connections
    Hold,
}

/// How often and on what a measurement is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// Once in each round, all peers in turn
    Alternating,
    /// Once for each peer, on processes of its own: what was freed earlier would hide growth
    Fresh,
    /// Once for each peer
    Once,
}

impl Measure {
    pub const ALL: [Self; 8] =
        [Self::Bulk1, Self::Bulk8, Self::Rtt, Self::Conn16, Self::Dial, Self::Hooks, Self::Deny, Self::Hold];

    /// A lone question and answer is bimodal unless both ends share a core.
    pub fn pinned(self) -> bool {
        matches!(self, Self::Rtt | Self::Dial | Self::Hooks)
    }

    pub fn turns(self) -> Turns {
        match self {
            Self::Hold => Turns::Fresh,
            Self::Deny => Turns::Once,
            _ => Turns::Alternating,
        }
    }

    /// Others have no intentions, or nothing in the kernel.
    pub fn applies_to(self, running: &Running) -> bool {
        match self {
            Self::Deny => running.api.is_some(),
            Self::Hooks => running.steered.is_some(),
            _ => true,
        }
    }

    fn arguments(self, options: &Options, on: &Running) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Bulk1 => &["bulk", "--conns", "1"],
            Self::Bulk8 => &["bulk", "--conns", "8"],
            Self::Rtt => &["pingpong"],
            Self::Conn16 => &["connect", "--clients", "16"],
            Self::Dial | Self::Hooks => &["dial"],
            Self::Hold => return vec!["hold".into(), "--conns".into(), options.conns.to_string()],
            Self::Deny => {
                let api = on.api.expect("it applies to those that have one").to_string();
                let tries = options.tries.to_string();
                return ["deny", "--api", &api, "--tries", &tries].map(str::to_owned).to_vec();
            }
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// # Errors
    /// The path broke, or a connection failed.
    pub fn run(self, options: &Options, scene: &Scene, on: &Running, core: Option<usize>) -> Result<Value> {
        if self == Self::Hooks {
            return hooks::measure(scene, on, || self.load(options, scene, on, core));
        }
        self.load(options, scene, on, core)
    }

    fn load(self, options: &Options, scene: &Scene, on: &Running, core: Option<usize>) -> Result<Value> {
        let mut command = on.client(scene, core);
        command.args(self.arguments(options, on));
        command.args(["--addr", &on.address, "--secs", &options.secs.to_string()]);
        if matches!(self, Self::Dial | Self::Hooks) {
            command.args(on.beside(scene.app));
        }
        for process in &on.processes {
            command.args(["--pid", &process.id().to_string()]);
        }
        let found = run_tool(command).with_context(|| format!("measuring {self} of {}", on.address))?;
        if found["failed"].as_u64().is_some_and(|failed| failed > 0) {
            bail!("connections failed while {self} of {} was measured: {found}", on.address);
        }
        Ok(found)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bulk1 => "bulk1",
            Self::Bulk8 => "bulk8",
            Self::Rtt => "rtt",
            Self::Conn16 => "conn16",
            Self::Dial => "dial",
            Self::Hooks => "hooks",
            Self::Deny => "deny",
            Self::Hold => "hold",
        })
    }
}
