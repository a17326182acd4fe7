//! Debian packages that end-to-end tests use.

use crate::shell;
use anyhow::Result;
use std::path::Path;

/// A Debian package, and a file or program that shows that it is there.
struct Package {
    name: &'static str,
    sign: &'static str,
}

const PACKAGES: [Package; 4] = [
    Package { name: "postgresql", sign: "/usr/lib/postgresql" },
    Package { name: "tcpdump", sign: "/usr/bin/tcpdump" },
    Package { name: "dnsutils", sign: "/usr/bin/dig" },
    Package { name: "curl", sign: "/usr/bin/curl" },
];

/// Installs what is missing where we may: as root of a CI machine. Elsewhere it names what is missing.
///
/// # Errors
/// apt failed on a CI machine.
pub fn ensure() -> Result<()> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|p| !Path::new(p.sign).exists()).map(|p| p.name).collect();
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
    shell::must(shell::command("apt-get", &["update", "-qq"]))?;
    let mut install = shell::command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    install.args(missing).env("DEBIAN_FRONTEND", "noninteractive");
    shell::must(install)
}

fn may_install() -> bool {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    in_ci && is_root() && shell::on_path("apt-get")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
