//! `cargo xtask build`.

use crate::{ebpf, shell};
use anyhow::Result;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    /// Build nothing but the kernel programs
    #[arg(long)]
    ebpf: bool,
    /// Build nothing but the kernel programs, and prove that the object in the tree is that of its sources
    #[arg(long)]
    check: bool,
    /// Build kernel programs that tell what they decide, for `dataplane_object`; the object in the tree stays
    #[arg(long)]
    log: bool,
}

pub fn carry_out(options: &Options) -> Result<()> {
    if options.check {
        ebpf::ensure_tools()?;
        return ebpf::check();
    }
    if options.log {
        println!("{}", ebpf::with_log()?.display());
        return Ok(());
    }
    if options.ebpf {
        return ebpf::refresh();
    }
    println!("{}", run()?.display());
    Ok(())
}

/// Builds the kernel programs, where that can be done here, and the release binary, and says where it is.
pub fn run() -> Result<PathBuf> {
    ebpf::refresh()?;
    shell::must(shell::cargo(&["build", "--release", "--workspace", "--bin", "mesh"]))?;
    Ok(shell::target().join("release/mesh"))
}
