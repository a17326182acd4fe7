//! Whether the agent compiles for other systems than Linux. Nothing is linked or run.

use crate::{lint, packages, shell};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What has no epoll and no kernel programs, and is asked for.
const TARGETS: [&str; 2] = ["x86_64-unknown-freebsd", "x86_64-apple-darwin"];

/// Stands in for the C compiler and the archiver of another system, of which nothing is here: a check links
/// nothing, so that the cryptographic library need not be compiled. It makes the file that it is asked for.
const STAND_IN: &str = "#!/bin/sh
while [ $# -gt 1 ]; do
    case $1 in -o|cq) : > \"$2\" ;; esac
    shift
done
";

/// # Errors
/// The agent does not compile for a target whose standard library is here.
pub fn run() -> Result<()> {
    let stand_in = stand_in()?;
    for target in TARGETS {
        match ensure(target) {
            Ok(()) => check(target, &stand_in)?,
            Err(why) => shell::announce(&format!("SKIPPED: compiling for {target}, because {why:#}")),
        }
    }
    Ok(())
}

/// With every warning an error, where clippy is here.
fn check(target: &str, stand_in: &Path) -> Result<()> {
    let clippy = lint::has_clippy();
    let mut check = shell::cargo(&[if clippy { "clippy" } else { "check" }]);
    check.args(["--package", "mesh-agent", "--bin", "mesh", "--lib", "--target", target]);
    let name = target.replace('-', "_");
    check.env(format!("CC_{name}"), stand_in).env(format!("AR_{name}"), stand_in);
    if clippy {
        check.args(["--", "-D", "warnings"]);
    }
    shell::must(check)
}

/// The target's standard library must be here. On a machine of CI it is fetched.
fn ensure(target: &str) -> Result<()> {
    let installed = has_library(target);
    if installed {
        return Ok(());
    }
    let add = ["target", "add", target];
    if !packages::may_install() {
        anyhow::bail!("its standard library is not here (rustup {})", add.join(" "));
    }
    shell::announce(&format!("installing the standard library of {target}"));
    shell::must(shell::command("rustup", &add))
}

fn has_library(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).args(["--print", "target-libdir", "--target", target]).output();
    let folder = said.map(|said| PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    folder.is_ok_and(|folder| folder.is_dir())
}

fn stand_in() -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = shell::target().join("stand-in-cc");
    std::fs::write(&path, STAND_IN).with_context(|| format!("writing {}", path.display()))?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, executable)
        .with_context(|| format!("making {} executable", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_of_this_system_is_here_and_that_of_no_system_is_not() {
        assert!(has_library("x86_64-unknown-linux-gnu"));
        assert!(!has_library("x86_64-no-such-system"));
    }

    #[test]
    fn the_stand_in_makes_what_a_compiler_and_an_archiver_are_asked_for() {
        let program = stand_in().unwrap();
        let folder = shell::target();
        for arguments in [&["-O2", "-o", "made.o", "-c", "x.c"][..], &["cq", "made.a", "made.o"]] {
            let made = folder.join(arguments.iter().find(|a| a.starts_with("made")).unwrap());
            std::fs::remove_file(&made).ok();
            let status = Command::new(&program).args(arguments).current_dir(&folder).status().unwrap();
            assert!(status.success() && made.is_file(), "{arguments:?}");
            std::fs::remove_file(&made).unwrap();
        }
    }
}
