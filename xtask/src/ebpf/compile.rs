use super::toolchain::Toolchain;
use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "bpfel-unknown-none";

/// Cargo's separator of compiler flags in an environment variable.
const SEPARATOR: &str = "\u{1f}";

/// Builds the object: the same bytes from the same sources and tools, wherever they lie.
pub fn compile(toolchain: &Toolchain, features: &[&str]) -> Result<Vec<u8>> {
    shell::must(cargo(toolchain, &["fetch", "--locked"]))?; // First, so that the flags can name where crates lie.
    let target = shell::target().join("ebpf");
    let mut build =
        cargo(toolchain, &["build", "--release", "--locked", "-Zbuild-std=core", "--target", TARGET]);
    build
        .args(features)
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(toolchain).join(SEPARATOR));
    shell::must(build)?;
    stripped(toolchain, &target.join(TARGET).join("release"))
}

/// In the folder of the kernel programs, whose workspace is its own. Only this child may use what the
/// compiler holds back from stable.
fn cargo(toolchain: &Toolchain, arguments: &[&str]) -> Command {
    let mut cargo = shell::cargo(arguments);
    cargo.current_dir(shell::root().join("mesh-ebpf"));
    cargo.env("PATH", toolchain.linker().search_path());
    cargo.env("RUSTC", toolchain.rustc()).env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS");
    cargo
}

/// Types for the kernel's verifier, and no trace of where things lie on this machine. Of the prefixes
/// that fit, the compiler takes the last.
fn flags(toolchain: &Toolchain) -> Vec<String> {
    let mut flags: Vec<String> =
        ["--cfg=bpf_target_arch=\"x86_64\"", "-Cdebuginfo=2", "-Clink-arg=--btf"].map(str::to_owned).into();
    flags.push(remap(&shell::root(), "/mesh"));
    flags.push(remap(&toolchain.library(), "/library"));
    flags.extend(crate_folders().iter().map(|folder| remap(folder, "/crates")));
    flags
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

/// Where cargo unpacks crates: a folder for each registry.
fn crate_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let entries = fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn stripped(toolchain: &Toolchain, folder: &Path) -> Result<Vec<u8>> {
    let object = folder.join("mesh.o");
    let mut strip = shell::command(&toolchain.strip()?.to_string_lossy(), &["--strip-debug", "-o"]);
    strip.arg(&object).arg(folder.join("mesh"));
    shell::must(strip)?;
    fs::read(&object).with_context(|| format!("reading {}", object.display()))
}
