use super::ExecError;
use super::job::Task;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use uuid::Uuid;

/// A command that runs, with all that it has started. Dropping it before its end is seen kills them.
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    /// Removed when it is dropped.
    _script: Option<Script>,
}

/// A file for the time of a run.
struct Script(PathBuf);

impl Process {
    /// With standard input from nowhere, in a process group of its own.
    ///
    /// # Errors
    /// There is no such program, or the script cannot be written.
    pub fn start(task: &Task) -> Result<Self, ExecError> {
        let failed = |source| ExecError::Start { command: task.shown(), source };
        let (mut command, script) = prepared(task).map_err(failed)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn().map_err(failed)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, group, _script: script })
    }

    /// What it prints. Only the first caller gets it.
    pub fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// The status that a shell would show for it. What it has left running in the background goes on.
    pub async fn ended(&mut self) -> u8 {
        let ended = self.child.wait().await;
        self.group = None;
        ended.map_or(FAILED, status)
    }
}

/// What Consul says where there is no status.
pub(super) const FAILED: u8 = 255;

fn status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // Those that have ended need none any more.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

fn prepared(task: &Task) -> io::Result<(Command, Option<Script>)> {
    match task {
        Task::Line(line) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line);
            Ok((command, None))
        }
        Task::Words(words) => {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]);
            Ok((command, None))
        }
        Task::Script(text) => {
            let script = Script::write(text)?;
            Ok((Command::new(&script.0), Some(script)))
        }
    }
}

impl Script {
    fn write(text: &[u8]) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("mesh-exec-{}", Uuid::new_v4()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?;
        let script = Self(path);
        file.write_all(text)?;
        Ok(script)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a script that was run could not be removed");
        }
    }
}
