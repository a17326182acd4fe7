use super::CheckRefused;
use super::output::Tail;
use super::report::ProbeResult;
use crate::model::CheckDefinition;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// How long a script's children may hold its output open after it has ended.
const OUTPUT_GRACE: Duration = Duration::from_millis(250);

/// Runs a command in a process group of its own, which a probe never outlives.
#[derive(Debug)]
pub(super) struct ScriptProber {
    program: String,
    args: Vec<String>,
    timeout: Duration,
    output_max_size: usize,
}

impl ScriptProber {
    /// `enabled` is the owner's policy for whoever registered the check.
    pub(super) fn new(check: &CheckDefinition, args: &[String], enabled: bool) -> Result<Self, CheckRefused> {
        if !enabled {
            return Err(CheckRefused::ScriptsDisabled { check: check.id.clone() });
        }
        let (program, args) = args
            .split_first()
            .filter(|(program, _)| !program.is_empty())
            .ok_or_else(|| CheckRefused::NoCommand { check: check.id.clone() })?;
        Ok(Self {
            program: program.clone(),
            args: args.to_vec(),
            timeout: check.timeout,
            output_max_size: check.output_max_size,
        })
    }

    pub(super) async fn probe(&self, deadline: Instant) -> ProbeResult {
        match self.run(deadline).await {
            Ok(result) => result,
            Err(error) => ProbeResult::critical(format!("{:?} cannot be run: {error}", self.program)),
        }
    }

    async fn run(&self, deadline: Instant) -> io::Result<ProbeResult> {
        let (mut child, _group) = self.spawn()?;
        let mut output = Tail::new(self.output_max_size);
        let ended = timeout_at(deadline, follow(&mut child, &mut output)).await;
        Ok(match ended {
            Ok(status) => judge(status?, output.into_text()),
            Err(_) => ProbeResult::critical(format!(
                "Timed out ({:?}) running check\n{}",
                self.timeout,
                output.into_text()
            )),
        })
    }

    fn spawn(&self) -> io::Result<(Child, ProcessGroup)> {
        let child = Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = ProcessGroup::led_by(&child);
        Ok((child, group))
    }
}

/// Reads both streams until the script ends, and a moment longer for what is still in the pipes.
async fn follow(child: &mut Child, output: &mut Tail) -> io::Result<ExitStatus> {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let mut reading = Box::pin(drain(&mut stdout, &mut stderr, output));
    let status = tokio::select! {
        status = child.wait() => status?,
        () = &mut reading => return child.wait().await,
    };
    // Its children may hold the pipes for ever: they are not waited for.
    let _ = timeout(OUTPUT_GRACE, reading).await;
    Ok(status)
}

/// Reads everything, so that a talkative script is not blocked, and keeps the end of it.
async fn drain(
    stdout: &mut Option<impl AsyncRead + Unpin>,
    stderr: &mut Option<impl AsyncRead + Unpin>,
    output: &mut Tail,
) {
    let (mut first, mut second) = ([0; 4096], [0; 4096]);
    while stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = read_some(stdout, &mut first), if stdout.is_some() => match read {
                0 => *stdout = None,
                n => output.push(&first[..n]),
            },
            read = read_some(stderr, &mut second), if stderr.is_some() => match read {
                0 => *stderr = None,
                n => output.push(&second[..n]),
            },
        }
    }
}

/// 0 at the end of the stream, and on an error, which ends it as well.
async fn read_some(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => 0,
    }
}

fn judge(status: ExitStatus, output: String) -> ProbeResult {
    match status.code() {
        Some(0) => ProbeResult::passing(output),
        Some(1) => ProbeResult::warning(output),
        _ => ProbeResult::critical(output),
    }
}

/// Kills every process of the group when dropped: at the end of a probe, at its time-out, and when the
/// check is removed while it runs.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // ESRCH, nobody left, is the ordinary case.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests;
