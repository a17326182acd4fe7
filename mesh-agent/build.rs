//! Says which object of the kernel programs the agent carries.
//!
//! It builds none: that takes a compiler for the kernel's machine, which `cargo xtask build` looks for. What
//! is in the tree is what its sources gave, and this says so when they have moved on.

#[path = "../mesh-ebpf/sources.rs"]
mod sources;

use std::path::{Path, PathBuf};
use std::{env, fs};

const NAMED: &str = "MESH_EBPF_OBJ";

fn main() {
    println!("cargo::rerun-if-env-changed={NAMED}");
    let object = env::var_os(NAMED).map_or_else(prebuilt, PathBuf::from);
    println!("cargo::rerun-if-changed={}", object.display());
    println!("cargo::rustc-env={NAMED}={}", object.display());
}

fn prebuilt() -> PathBuf {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let root = manifest.parent().expect("the package lies in the workspace");
    let folder = root.join("mesh-ebpf/prebuilt");
    for source in sources::SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    if !is_of_its_sources(root, &folder.join("mesh.bpfel.made")) {
        println!(
            "cargo::warning=the prebuilt kernel programs are not those of the sources: run `cargo xtask build`"
        );
    }
    folder.join("mesh.bpfel.o")
}

fn is_of_its_sources(root: &Path, made: &Path) -> bool {
    println!("cargo::rerun-if-changed={}", made.display());
    let made = fs::read_to_string(made).unwrap_or_default();
    let hash = sources::hash(root).unwrap_or_default();
    made.lines().any(|line| line.strip_prefix("sources: ") == Some(&hash))
}
