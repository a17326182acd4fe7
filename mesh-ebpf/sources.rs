// Which files the kernel programs are built from, and the hash of them. Read by `cargo xtask build`, which
// writes it beside the prebuilt object, and by the agent's build, which warns when it has moved on.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Relative to the root of the checkout: folders with all that is in them, and files.
pub const SOURCES: [&str; 5] = [
    "mesh-common/Cargo.toml",
    "mesh-common/src",
    "mesh-ebpf/Cargo.lock",
    "mesh-ebpf/Cargo.toml",
    "mesh-ebpf/src",
];

/// Changes with the path or content of any source.
pub fn hash(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let content = fs::read(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file);
        hasher.update(format!("{} {}\n", name.display(), content.len()));
        hasher.update(content);
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
