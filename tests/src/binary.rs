//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `mesh` binary: `MESH_BINARY` where set, else the one beside this test, built first if it is absent
/// or old.
pub fn mesh() -> &'static Path {
    static MESH: OnceLock<PathBuf> = OnceLock::new();
    MESH.get_or_init(find_or_build)
}

/// `target`.
pub fn target_directory() -> PathBuf {
    let profile = profile_directory();
    profile.parent().expect("a profile's directory lies in target").to_path_buf()
}

fn find_or_build() -> PathBuf {
    if let Some(path) = std::env::var_os("MESH_BINARY") {
        return PathBuf::from(path);
    }
    let profile = profile_directory();
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--workspace", "--bin", "mesh"]);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(status.is_ok_and(|status| status.success()), "mesh cannot be built");
    profile.join("mesh")
}

/// `target/debug`, two steps above `target/debug/deps/e2e-…`.
fn profile_directory() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its program");
    own.ancestors().nth(2).expect("tests lie in target/<profile>/deps").to_path_buf()
}
