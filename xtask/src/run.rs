//! `cargo xtask run`.

use crate::{build, shell};
use anyhow::Result;

#[derive(clap::Args)]
pub struct Options {}

/// Builds the release binary and starts an agent in development mode.
pub fn run(_options: &Options) -> Result<()> {
    let binary = build::run()?;
    shell::must(shell::command(&binary.to_string_lossy(), &["agent", "-dev"]))
}
