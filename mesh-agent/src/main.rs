//! The one binary: agent, servers and command line.

use mesh_agent::agent;
use mesh_agent::cli::{self, House};
use std::process::ExitCode;

fn main() -> ExitCode {
    let command_line: Vec<String> = std::env::args().collect();
    let house =
        House { agent: agent::run, agent_flags: agent::config::AGENT_FLAGS, validate: agent::validate };
    cli::main(&command_line, house)
}
