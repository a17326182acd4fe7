use super::cpio::Archive;
use super::modules::{Modules, WANTED};
use super::packages;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 9] = ["proc", "sys", "dev", "tmp", "run", "root", "bin", "sbin", "modules"];

/// The first file system of a machine: busybox, modules, and programs of this machine with their libraries.
pub struct Initramfs {
    archive: Archive,
    libraries: BTreeSet<PathBuf>,
}

impl Initramfs {
    /// With `init` as the first process, for this unpacked kernel.
    pub fn new(kernel: &Path, init: &str) -> Result<Self> {
        let mut archive = Archive::default();
        FOLDERS.iter().for_each(|folder| archive.folder(folder));
        archive.device("dev/console", (5, 1));
        archive.device("dev/null", (1, 3));
        archive.file("bin/busybox", 0o755, &read(&packages::busybox()?)?);
        archive.link("bin/sh", "busybox");
        archive.file("init", 0o755, init.as_bytes());
        add_modules(&mut archive, kernel)?;
        Ok(Self { archive, libraries: BTreeSet::new() })
    }

    pub fn file(&mut self, path: &str, mode: u32, data: &[u8]) {
        self.archive.file(path, mode, data);
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.archive.link(path, to);
    }

    /// A file of this machine, where it is and as old as it is here.
    pub fn copy(&mut self, file: &Path) -> Result<()> {
        let facts = fs::metadata(file).with_context(|| format!("looking at {}", file.display()))?;
        let changed = usize::try_from(facts.mtime()).unwrap_or(0);
        self.archive.dated_file(&file.to_string_lossy(), facts.mode() & 0o777, changed, &read(file)?);
        Ok(())
    }

    /// A program of this machine without what only debuggers read, and the libraries that it needs.
    pub fn program(&mut self, path: &str, program: &Path) -> Result<()> {
        self.archive.file(path, 0o755, &stripped(program)?);
        for library in libraries(program)? {
            if self.libraries.insert(library.clone()) {
                self.archive.file(&library.to_string_lossy(), 0o755, &read(&library)?);
            }
        }
        Ok(())
    }

    pub fn write(self, to: &Path) -> Result<()> {
        let bytes = self.archive.finish();
        eprintln!("{}: {} MiB", to.display(), bytes.len() >> 20);
        fs::write(to, bytes).with_context(|| format!("writing {}", to.display()))
    }
}

fn add_modules(archive: &mut Archive, kernel: &Path) -> Result<()> {
    let mut order = String::new();
    for (name, content) in Modules::of(kernel)?.load_order(&WANTED)? {
        archive.file(&format!("modules/{name}"), 0o644, &content);
        order += &format!("{name}\n");
    }
    archive.file("modules/order", 0o644, order.as_bytes());
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// The program without what only debuggers read: a build with it is ten times as large, and would be in a machine's
/// memory.
pub fn stripped(program: &Path) -> Result<Vec<u8>> {
    let copy = packages::store().join(format!("stripped-{}", std::process::id()));
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&copy).arg(program);
    shell::must(strip)?;
    let bytes = read(&copy)?;
    fs::remove_file(&copy)?;
    Ok(bytes)
}

/// What the loader would map, by the names under which it looks for them.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("starting ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("not found") {
        bail!("{} needs libraries that are not installed:\n{text}", program.display());
    }
    Ok(paths(&text))
}

fn paths(ldd: &str) -> Vec<PathBuf> {
    let words = ldd.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_named_as_the_loader_finds_them() {
        let said = "\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x7f)\n";
        let found = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(paths(said), found);
        assert!(paths("\tstatically linked\n").is_empty());
    }
}
