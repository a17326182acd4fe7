use super::peer::{Running, run_tool};
use super::{Options, Scene};
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
    /// Memory of idle connections
    Hold,
}

impl Measure {
    pub const ALL: [Self; 5] = [Self::Bulk1, Self::Bulk8, Self::Rtt, Self::Conn16, Self::Hold];

    /// A lone question and answer is bimodal unless both ends share a core.
    pub fn pinned(self) -> bool {
        self == Self::Rtt
    }

    /// What was freed by earlier measurements would hide growth.
    pub fn needs_fresh_processes(self) -> bool {
        self == Self::Hold
    }

    fn arguments(self, options: &Options) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Bulk1 => &["bulk", "--conns", "1"],
            Self::Bulk8 => &["bulk", "--conns", "8"],
            Self::Rtt => &["pingpong"],
            Self::Conn16 => &["connect", "--clients", "16"],
            Self::Hold => return vec!["hold".into(), "--conns".into(), options.conns.to_string()],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// # Errors
    /// The path broke, or a connection failed.
    pub fn run(self, options: &Options, scene: &Scene, on: &Running, core: Option<usize>) -> Result<Value> {
        let mut command = scene.namespace.command(&scene.tool, core);
        command.arg("load").args(self.arguments(options));
        command.args(["--addr", &on.address.to_string(), "--secs", &options.secs.to_string()]);
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
            Self::Hold => "hold",
        })
    }
}
