//! Processes that end with their owner.

use crate::wait::within;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A process in a group of its own that writes to a log. Dropping it ends the group.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// # Panics
    /// The program cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = File::options().append(true).create(true).open(log).expect("a log can be opened");
        let errors = file.try_clone().expect("a log can be opened twice");
        command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        Self { child, log: log.to_path_buf() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn nix_pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"))
    }

    /// To the process alone.
    pub fn signal(&self, signal: Signal) {
        kill(self.nix_pid(), signal).expect("the process is ours to signal");
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process is ours to wait for")
    }

    /// How it ended, if it does in time.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        within(limit, || self.ended())
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn show_end_of_log(&self) {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        let end = &lines[lines.len().saturating_sub(60)..];
        eprintln!("--- {} ends with:\n{}\n---", self.log.display(), end.join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_end_of_log();
        }
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = killpg(self.nix_pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output of a command that must succeed.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.status, Some(0), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs a command to its end.
///
/// # Panics
/// It cannot be started.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Output {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
