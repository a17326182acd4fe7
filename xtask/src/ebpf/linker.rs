use super::toolchain::said;
use crate::{packages, shell};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The linker that the prebuilt object was made with. It must understand what the compiler's LLVM writes.
const VERSION: &str = "0.13.0";

/// The LLVM that it is built with: that of Debian's compiler.
const LLVM: &str = "/usr/lib/llvm-22";

/// The linker of the kernel programs, which the compiler starts by its name.
pub struct Linker {
    path: PathBuf,
}

impl Linker {
    /// The one that `ensure` has installed, else that of the PATH.
    pub fn find() -> Option<Self> {
        let installed = tools().join("bin/bpf-linker");
        if installed.is_file() {
            return Some(Self { path: installed });
        }
        shell::on_path("bpf-linker").then(|| Self { path: "bpf-linker".into() })
    }

    /// Installs the one that the prebuilt object was made with into the target folder, where we may and no
    /// such one is here. It is built once, in about two minutes, and kept.
    ///
    /// # Errors
    /// cargo failed on a CI machine.
    pub fn ensure() -> Result<()> {
        if !packages::may_install() || Self::find().is_some_and(|found| found.is_the_one()) {
            return Ok(());
        }
        let root = tools();
        shell::announce(&format!(
            "installing bpf-linker {VERSION}, which is not here, into {}",
            root.display()
        ));
        let built = root.join("build");
        shell::must(install(&root, &built))?;
        std::fs::remove_dir_all(&built).with_context(|| format!("removing {}", built.display()))
    }

    fn is_the_one(&self) -> bool {
        self.describe().is_ok_and(|said| is_version(&said))
    }

    /// Its name and version.
    pub fn describe(&self) -> Result<String> {
        said(&self.path, &["--version"])
    }

    /// The PATH on which the compiler finds it.
    pub fn search_path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = self.path.parent().filter(|folder| folder.is_absolute()).map(Path::to_path_buf);
        let folders = own.into_iter().chain(std::env::split_paths(&path));
        std::env::join_paths(folders).unwrap_or_else(|_| path.clone())
    }
}

fn is_version(said: &str) -> bool {
    said.split_whitespace().nth(1) == Some(VERSION)
}

/// Programs that this project builds for itself alone.
fn tools() -> PathBuf {
    shell::target().join("tools")
}

fn install(root: &Path, built: &Path) -> Command {
    let mut install = shell::cargo(&["install", "bpf-linker", "--version", VERSION, "--locked"]);
    install.args(["--no-default-features", "--features", "llvm-22", "--root"]).arg(root);
    install.env("LLVM_PREFIX", LLVM).env("CARGO_TARGET_DIR", built);
    install
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_made_the_object_will_do() {
        assert!(is_version("bpf-linker 0.13.0"));
        assert!(!is_version("bpf-linker 0.13.01"));
        assert!(!is_version("bpf-linker 0.14.0"));
        assert!(!is_version(""));
    }

    #[test]
    fn an_installed_linker_is_found_before_others() {
        let linker = Linker { path: "/somewhere/bin/bpf-linker".into() };
        let path = linker.search_path();
        assert_eq!(std::env::split_paths(&path).next(), Some(PathBuf::from("/somewhere/bin")));
    }

    #[test]
    fn a_linker_of_the_path_leaves_the_path_as_it_is() {
        let linker = Linker { path: "bpf-linker".into() };
        assert_eq!(linker.search_path(), std::env::var_os("PATH").unwrap_or_default());
    }
}
