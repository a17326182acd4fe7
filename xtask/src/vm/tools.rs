use super::initramfs::Initramfs;
use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// What tests of the proxy use where it is installed on this machine, and those that drive the binary.
const OF_ALL: [&str; 2] = ["openssl", "strace"];
const OF_E2E: [&str; 8] = ["ip", "ss", "nft", "curl", "dig", "getent", "tcpdump", "bash"];

/// The system's own, whose library lies beside the system's programs.
const PYTHON: &str = "/usr/bin/python3";

/// Parts of Python's library that no test uses.
const LEFT_OUT: [&str; 8] =
    ["test", "idlelib", "lib2to3", "ensurepip", "tkinter", "pydoc_data", "distutils", "unittest"];

/// Brings what tests use of this machine, as far as it is here: tests that miss something say that they are skipped.
pub fn add(initramfs: &mut Initramfs, end_to_end: bool) -> Result<()> {
    let wanted = OF_ALL.iter().chain(OF_E2E.iter().filter(|_| end_to_end));
    for (tool, path) in wanted.filter_map(|tool| Some((tool, shell::found_on_path(tool)?))) {
        initramfs.program(&format!("usr/bin/{tool}"), &path)?;
    }
    if end_to_end {
        if shell::on_path("bash") {
            // busybox's shell takes its own `ip` for any other.
            initramfs.link("bin/sh", "/usr/bin/bash");
        }
        python(initramfs)?;
        false_clock(initramfs)?;
    }
    Ok(())
}

fn python(initramfs: &mut Initramfs) -> Result<()> {
    let Ok(program) = fs::canonicalize(PYTHON) else { return Ok(()) };
    initramfs.program(PYTHON, &program)?;
    let version = program.file_name().context("a program has a name")?;
    library(initramfs, &Path::new("/usr/lib").join(version))
}

/// The folder as it is here, dates included: by them Python knows what it has compiled already.
fn library(initramfs: &mut Initramfs, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if LEFT_OUT.contains(&&*name) || name.starts_with("config-") {
            continue;
        }
        if path.is_dir() {
            library(initramfs, &path)?;
        } else if path.extension().is_some_and(|extension| extension == "so") {
            initramfs.program(&path.to_string_lossy(), &path)?;
        } else if path.is_file() {
            initramfs.copy(&path)?;
        }
    }
    Ok(())
}

/// Debian's `faketime`.
fn false_clock(initramfs: &mut Initramfs) -> Result<()> {
    let places = fs::read_dir("/usr/lib").context("reading /usr/lib")?;
    let library = |entry: fs::DirEntry| entry.path().join("faketime/libfaketimeMT.so.1");
    let found: Option<PathBuf> =
        places.filter_map(|entry| entry.ok().map(library)).find(|path| path.exists());
    found.map_or(Ok(()), |path| initramfs.program(&path.to_string_lossy(), &path))
}
