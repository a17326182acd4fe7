use super::settings::Settings;
use crate::cli::failure::{Failure, OrFail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

/// What a program that must end has left before it is killed.
const MERCY: Duration = Duration::from_secs(5);

/// The program that runs under the lock.
pub(super) struct Child {
    process: Mutex<tokio::process::Child>,
    /// Whom signals go to: its process group, where it has one of its own.
    id: Option<Pid>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// 128 and the signal's number, where one has ended it.
    pub(super) status: u8,
}

impl Child {
    pub(super) fn start(settings: &Settings) -> Result<Self, Failure> {
        settings.say("Starting handler");
        let mut command = words(settings);
        command.env("CONSUL_LOCK_HELD", "true").env("MESH_LOCK_HELD", "true").kill_on_drop(true);
        // What reads the terminal must stay in its foreground group; else what a shell has started is reached too.
        if settings.pass_stdin {
            command.stdin(Stdio::inherit());
        } else {
            command.stdin(Stdio::null()).process_group(0);
        }
        let process = command.spawn().or_fail(format!("Error starting {:?}", settings.program))?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let id = id.map(|id| Pid::from_raw(if settings.pass_stdin { id } else { -id }));
        Ok(Self { process: Mutex::new(process), id })
    }

    /// Passes signals on until it ends.
    pub(super) async fn run(&self) -> Result<Ended, Failure> {
        let catch = |kind| signal(kind).or_fail("Error catching signals");
        let (mut interrupt, mut terminate, mut hangup) =
            (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?, catch(SignalKind::hangup())?);
        let mut process = self.process.lock().await;
        loop {
            let pass = tokio::select! {
                ended = process.wait() => return ended.map(Ended::from).or_fail("Error waiting for the program"),
                _ = interrupt.recv() => Signal::SIGINT,
                _ = terminate.recv() => Signal::SIGTERM,
                _ = hangup.recv() => Signal::SIGHUP,
            };
            self.signal(pass);
        }
    }

    /// Ends it, by force if it does not hear.
    pub(super) async fn end(&self) -> Result<Ended, Failure> {
        self.signal(Signal::SIGTERM);
        let mut process = self.process.lock().await;
        if let Ok(ended) = tokio::time::timeout(MERCY, process.wait()).await {
            return ended.map(Ended::from).or_fail("Error waiting for the program");
        }
        process.start_kill().or_fail("Error killing the program")?;
        process.wait().await.map(Ended::from).or_fail("Error waiting for the program")
    }

    /// One that has just ended needs none any more.
    fn signal(&self, which: Signal) {
        if let Some(id) = self.id {
            let _ = kill(id, which);
        }
    }
}

/// A single shell runs all words; it becomes the program where that is the only one.
fn words(settings: &Settings) -> Command {
    if settings.shell {
        let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
        let mut command = Command::new(shell);
        command.arg("-c").arg(settings.program.join(" "));
        return command;
    }
    let mut command = Command::new(&settings.program[0]);
    command.args(&settings.program[1..]);
    command
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
        Self { status: u8::try_from(code).unwrap_or(1) }
    }
}
