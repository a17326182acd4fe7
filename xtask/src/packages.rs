//! Debian packages that end-to-end tests and the kernel programs' build use.

use crate::shell;
use anyhow::Result;
use std::path::Path;

/// A Debian package, and a file or program that shows that it is there.
struct Package {
    name: &'static str,
    sign: &'static str,
}

const PACKAGES: [Package; 8] = [
    Package { name: "postgresql", sign: "/usr/lib/postgresql" },
    Package { name: "tcpdump", sign: "/usr/bin/tcpdump" },
    Package { name: "dnsutils", sign: "/usr/bin/dig" },
    Package { name: "curl", sign: "/usr/bin/curl" },
    Package { name: "faketime", sign: "/usr/bin/faketime" },
    Package { name: "iproute2", sign: "/usr/sbin/ip" },
    Package { name: "nftables", sign: "/usr/sbin/nft" },
    Package { name: "strace", sign: "/usr/bin/strace" },
];

/// The kernel programs' compiler, and what their linker is built with.
const EBPF_PACKAGES: [Package; 4] = [
    Package { name: "rustc-web", sign: "/usr/bin/rustc" },
    Package { name: "cargo-web", sign: "/usr/bin/cargo" },
    Package { name: "rust-web-src", sign: "/usr/lib/rustlib/src/rust/library/Cargo.lock" },
    Package { name: "llvm-22-dev", sign: "/usr/lib/llvm-22/include/llvm" },
];

/// Installs what is missing where we may: as root of a CI machine. Elsewhere it names what is missing.
///
/// # Errors
/// apt failed on a CI machine.
pub fn ensure() -> Result<()> {
    let missing = missing(&PACKAGES);
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        shell::announce(&format!(
            "tests that need them will be skipped; to run them: apt-get install {}",
            missing.join(" ")
        ));
        return Ok(());
    }
    install(&missing)
}

/// Installs the compiler of the kernel programs where we may and it is missing. Elsewhere nothing happens.
///
/// # Errors
/// apt failed on a CI machine.
pub fn ensure_ebpf() -> Result<()> {
    let missing = missing(&EBPF_PACKAGES);
    if missing.is_empty() || !may_install() {
        return Ok(());
    }
    install(&missing)
}

fn missing(packages: &[Package]) -> Vec<&'static str> {
    packages.iter().filter(|package| !Path::new(package.sign).exists()).map(|package| package.name).collect()
}

fn install(missing: &[&str]) -> Result<()> {
    shell::announce(&format!("installing Debian packages that are not here: {}", missing.join(" ")));
    shell::must(shell::command("apt-get", &["update", "-qq"]))?;
    let mut install = shell::command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    install.args(missing).env("DEBIAN_FRONTEND", "noninteractive");
    shell::must(install)
}

/// Whether this is a machine of CI, which we may change.
pub fn may_install() -> bool {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    in_ci && is_root() && shell::on_path("apt-get")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
