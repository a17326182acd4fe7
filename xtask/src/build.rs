//! `cargo xtask build`.

use crate::shell;
use anyhow::Result;
use std::path::PathBuf;

/// Builds the release binary and says where it is.
pub fn run() -> Result<PathBuf> {
    shell::must(shell::cargo(&["build", "--release", "--package", "mesh-agent", "--bin", "mesh"]))?;
    Ok(shell::target().join("release/mesh"))
}
