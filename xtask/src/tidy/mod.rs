//! `cargo xtask tidy`: the rules of the house that no compiler holds.
//!
//! Rooms import only from lower floors, files stay readable, each room opens with a page on what it is.

mod files;
mod floors;
mod imports;
mod source;

use crate::shell;
use anyhow::{Context, Result, bail};
use source::SourceFile;
use std::path::{Path, PathBuf};

pub fn run() -> Result<()> {
    let root = shell::root();
    let sources = read_all(&root)?;
    let complaints: Vec<String> = sources.iter().flat_map(complaints_of).collect();
    if complaints.is_empty() {
        eprintln!("tidy: {} files keep the rules of the house", sources.len());
        return Ok(());
    }
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    bail!("tidy: {} complaints", complaints.len());
}

fn complaints_of(file: &SourceFile) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let mut all = files::check(file);
    all.extend(floors::check(file));
    all
}

fn read_all(root: &Path) -> Result<Vec<SourceFile>> {
    let mut paths = Vec::new();
    for crate_directory in ["mesh-agent", "mesh-common", "mesh-ebpf", "tests", "xtask"] {
        collect(&root.join(crate_directory), &mut paths)?;
    }
    paths.sort();
    paths.iter().map(|path| SourceFile::read(root, path)).collect()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry.with_context(|| format!("listing {}", directory.display()))?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}
