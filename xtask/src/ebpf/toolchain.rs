use super::linker::Linker;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to install. Nothing is installed unasked.
pub const RECIPES: &str = "no toolchain for them is here. Either
    rustup toolchain install nightly --component rust-src
    cargo install bpf-linker
or, on Debian,
    apt-get install --no-install-recommends rustc-web cargo-web rust-web-src llvm-22-dev
    LLVM_PREFIX=/usr/lib/llvm-22 cargo install bpf-linker --version 0.13.0 --locked --no-default-features --features llvm-22";

/// A compiler that has the source of its own core library, which it builds anew for the kernel.
pub struct Toolchain {
    rustc: PathBuf,
    /// Where the compiler lives; its library's source is below.
    sysroot: PathBuf,
    linker: Linker,
}

impl Toolchain {
    /// The first that will do: the one that `MESH_EBPF_RUSTC` names, rustup's nightly, the active one,
    /// the system's. But the one that `before` describes comes before all of them, since it gives the same bytes.
    pub fn find(before: &str) -> Option<Self> {
        let named = std::env::var_os("MESH_EBPF_RUSTC").map(PathBuf::from);
        let candidates = [named, nightly(), Some("rustc".into()), Some("/usr/bin/rustc".into())];
        let mut found: Vec<Self> = candidates.into_iter().flatten().filter_map(Self::with).collect();
        let same = found.iter().position(|one| one.describe().is_ok_and(|tools| tools == before));
        (!found.is_empty()).then(|| found.swap_remove(same.unwrap_or(0)))
    }

    fn with(rustc: PathBuf) -> Option<Self> {
        Some(Self { sysroot: sysroot(&rustc)?, rustc, linker: Linker::find()? })
    }

    pub fn rustc(&self) -> &Path {
        &self.rustc
    }

    pub fn linker(&self) -> &Linker {
        &self.linker
    }

    pub fn library(&self) -> PathBuf {
        library(&self.sysroot)
    }

    /// The tools that shape the object, with their versions.
    pub fn describe(&self) -> Result<String> {
        let rustc = said(&self.rustc, &["--version"])?;
        Ok(format!("{rustc}, {}", self.linker.describe()?))
    }

    /// LLVM's own strip, of the compiler's LLVM where the system has it.
    pub fn strip(&self) -> Result<PathBuf> {
        let version = said(&self.rustc, &["--version", "--verbose"])?;
        let major = llvm_major(&version).unwrap_or_default();
        let versioned = PathBuf::from(format!("/usr/lib/llvm-{major}/bin/llvm-strip"));
        if versioned.is_file() {
            return Ok(versioned);
        }
        if !shell::on_path("llvm-strip") {
            bail!(
                "the kernel programs cannot be stripped: there is no llvm-strip; install LLVM {major}'s tools"
            );
        }
        Ok("llvm-strip".into())
    }
}

/// Where a compiler lives that has the source of its own library.
fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let sysroot = PathBuf::from(said(rustc, &["--print", "sysroot"]).ok()?);
    library(&sysroot).join("Cargo.lock").is_file().then_some(sysroot)
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

fn nightly() -> Option<PathBuf> {
    said(Path::new("rustup"), &["which", "--toolchain", "nightly", "rustc"]).ok().map(PathBuf::from)
}

/// `LLVM version: 22.1.8` of a compiler's verbose version.
fn llvm_major(version: &str) -> Option<String> {
    let line = version.lines().find_map(|line| line.strip_prefix("LLVM version: "))?;
    line.split('.').next().map(str::to_owned)
}

/// The first words of a program on its standard output.
pub fn said(program: &Path, arguments: &[&str]) -> Result<String> {
    let shown = program.display();
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        bail!("{shown} {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_llvm_is_read_from_its_version() {
        let version = "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(llvm_major(version).as_deref(), Some("22"));
        assert_eq!(llvm_major("rustc 1.96.0"), None);
    }

    #[test]
    fn a_compiler_without_its_librarys_source_will_not_do() {
        assert!(sysroot(Path::new("/bin/false")).is_none());
        assert!(sysroot(Path::new("/no/such/rustc")).is_none());
    }
}
