//! `cargo xtask lint`.

use crate::{ebpf, shell, tidy};
use anyhow::Result;

pub fn run() -> Result<()> {
    tidy::run()?;
    ebpf::is_of_the_sources()?;
    formatting()?;
    clippy()?;
    licences()
}

fn formatting() -> Result<()> {
    if !shell::succeeds(shell::cargo(&["fmt", "--version"])) {
        shell::announce(
            "SKIPPED: formatting, because rustfmt is not installed (rustup component add rustfmt)",
        );
        return Ok(());
    }
    shell::must(shell::cargo(&["fmt", "--all", "--check"]))?;
    shell::must(shell::cargo(&["fmt", "--manifest-path", "mesh-ebpf/Cargo.toml", "--check"]))
}

fn clippy() -> Result<()> {
    if !has_clippy() {
        shell::announce("SKIPPED: clippy, because it is not installed (rustup component add clippy)");
        return Ok(());
    }
    shell::must(shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

pub fn has_clippy() -> bool {
    shell::succeeds(shell::cargo(&["clippy", "--version"]))
}

/// Licences, bans and sources. Advisories need a database from the network, so they are not part of a test.
fn licences() -> Result<()> {
    if !shell::on_path("cargo-deny") {
        shell::announce("SKIPPED: licences and bans, because cargo-deny is not installed");
        return Ok(());
    }
    shell::must(shell::cargo(&["deny", "check", "bans", "licenses", "sources"]))
}
