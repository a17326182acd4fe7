//! A disk that is slow or fails, under a process that does not know of it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What becomes of each sync.
#[derive(Clone, Copy, Debug)]
pub enum Sync {
    /// It takes so much longer.
    Slow(Duration),
    /// After so many that succeed, all fail as they do where a sector cannot be written.
    Failing { after: usize },
}

/// What carries out a command whose syncs fare like this, and nothing else is slower.
///
/// # Errors
/// `strace` is missing.
pub fn syncing(how: Sync) -> Result<Command, String> {
    const STRACE: &str = "/usr/bin/strace";
    if !Path::new(STRACE).exists() {
        return Err("strace is missing: apt-get install strace".to_owned());
    }
    let what = match how {
        Sync::Slow(by) => format!("delay_enter={}", by.as_micros()),
        Sync::Failing { after } => format!("error=EIO:when={}+", after + 1),
    };
    let mut command = Command::new(STRACE);
    command.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e"]);
    command.arg(format!("inject=fdatasync,fsync:{what}"));
    Ok(command)
}
