//! The one binary: agent, servers and command line.

use mesh_agent::agent;
use mesh_agent::cli::{self, House};
use nix::sys::signal::SigSet;
use std::process::ExitCode;

fn main() -> ExitCode {
    unblock_signals();
    let command_line: Vec<String> = std::env::args().collect();
    let house =
        House { agent: agent::run, agent_flags: agent::config::AGENT_FLAGS, validate: agent::validate };
    cli::main(&command_line, house)
}

/// Whoever started this process may have blocked signals, which children inherit, and an agent that SIGTERM
/// does not reach cannot be stopped in order. Comes before any thread: they inherit the mask too.
fn unblock_signals() {
    if let Err(error) = SigSet::all().thread_unblock() {
        eprintln!("==> warning: signals that were blocked stay blocked: {error}");
    }
}
