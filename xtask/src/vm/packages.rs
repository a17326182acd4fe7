use super::kernel::{BOOKWORM, BULLSEYE, Kernel, Keyring, Suite, TRIXIE};
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What a kernel's package leads to and is part of the kernel.
const KERNEL_PARTS: [&str; 4] = ["linux-image-", "linux-binary-", "linux-modules-", "user-mode-linux"];

/// `target/vm`: packages are fetched and unpacked here, and never installed.
pub fn store() -> PathBuf {
    shell::target().join("vm")
}

/// The folder into which the kernel is unpacked; fetched once.
pub fn kernel(kernel: Kernel) -> Result<PathBuf> {
    unpacked(&kernel.suite(), kernel.package(), &store().join("kernels").join(kernel.name()))
}

/// busybox, the userland of the machines, linked so that it needs nothing else.
pub fn busybox() -> Result<PathBuf> {
    let folder = unpacked(&BOOKWORM, "busybox-static", &store().join("busybox"))?;
    let places = ["bin/busybox", "usr/bin/busybox"].map(|place| folder.join(place));
    let found = places.into_iter().find(|place| place.is_file());
    found.with_context(|| format!("there is no busybox below {}", folder.display()))
}

/// Consul 1.8.7, the last that Debian has: what the control plane is measured against.
pub fn consul() -> Result<PathBuf> {
    Ok(unpacked(&BULLSEYE, "consul", &store().join("consul"))?.join("usr/bin/consul"))
}

fn unpacked(suite: &Suite, package: &str, folder: &Path) -> Result<PathBuf> {
    let complete = folder.join(".complete");
    if complete.is_file() {
        return Ok(folder.to_path_buf());
    }
    let apt = Apt::of(suite)?;
    let mut names = vec![package.to_owned()];
    let mut next = 0;
    while next < names.len() {
        let parts = apt.parts_of(&names[next])?;
        names.extend(parts.into_iter().filter(|part| !names.contains(part)).collect::<Vec<_>>());
        next += 1;
    }
    if names.len() > 1 {
        names.remove(0); // It holds nothing, and only names the kernel of the day.
    }
    let downloads = folder.join("packages");
    fs::create_dir_all(&downloads).with_context(|| format!("making {}", downloads.display()))?;
    apt.download(&names, &downloads)?;
    for entry in fs::read_dir(&downloads)? {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(entry?.path()).arg(folder);
        shell::must(unpack)?;
    }
    fs::remove_dir_all(&downloads)?;
    fs::write(&complete, names.join("\n"))?;
    Ok(folder.to_path_buf())
}

/// apt with sources, lists and a cache of its own: what is installed here plays no part in it.
struct Apt {
    config: PathBuf,
}

impl Apt {
    fn of(suite: &Suite) -> Result<Self> {
        let keyring = keyring(suite.keyring)?;
        let folder = store().join("apt").join(suite.name);
        for below in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(below)).context("making apt's folders")?;
        }
        let options = format!("[arch=amd64 signed-by={}{}]", keyring.display(), suite.options);
        let sources: String = suite.sources.iter().map(|line| format!("deb {options} {line}\n")).collect();
        fs::write(folder.join("sources.list"), sources)?;
        fs::write(folder.join("status"), "")?;
        let apt = Self { config: folder.join("apt.conf") };
        fs::write(&apt.config, configuration(&folder))?;
        shell::must(apt.command("apt-get", &["update", "-qq"]))?;
        Ok(apt)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("APT_CONFIG", &self.config);
        command
    }

    /// Those dependencies of a package that are parts of a kernel.
    fn parts_of(&self, package: &str) -> Result<Vec<String>> {
        let output = self.command("apt-cache", &["show", "--no-all-versions", package]).output()?;
        if !output.status.success() {
            bail!("apt knows no package {package}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(kernel_parts(&String::from_utf8_lossy(&output.stdout)))
    }

    fn download(&self, names: &[String], folder: &Path) -> Result<()> {
        let mut download = self.command("apt-get", &["download", "-qq"]);
        download.args(names).current_dir(folder);
        shell::must(download)
    }
}

/// The first of each alternative in `Depends:`, where it is part of a kernel.
fn kernel_parts(record: &str) -> Vec<String> {
    let depends = record.lines().find_map(|line| line.strip_prefix("Depends: ")).unwrap_or_default();
    let names = depends.split(',').filter_map(|dependency| dependency.split_whitespace().next());
    let parts = names.filter(|name| KERNEL_PARTS.iter().any(|part| name.starts_with(part)));
    parts.map(str::to_owned).collect()
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State \"{folder}\";\nDir::State::status \"{folder}/status\";\nDir::State::lists \"{folder}/lists\";\n\
         Dir::Cache \"{folder}/cache\";\nDir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\nDir::Etc::preferences \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n\
         Acquire::Languages \"none\";\nAPT::Sandbox::User \"\";\n"
    )
}

fn keyring(keyring: Keyring) -> Result<PathBuf> {
    if !Path::new(DEBIAN_KEYRING).is_file() {
        bail!(
            "{DEBIAN_KEYRING} is missing, by which packages are checked: apt-get install debian-archive-keyring"
        );
    }
    match keyring {
        Keyring::Debian => Ok(DEBIAN_KEYRING.into()),
        Keyring::Ubuntu => {
            let folder = unpacked(&TRIXIE, "ubuntu-keyring", &store().join("ubuntu-keyring"))?;
            Ok(folder.join("usr/share/keyrings/ubuntu-archive-keyring.gpg"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernels_parts_are_found_among_its_dependencies() {
        let record = "Package: linux-image-cloud-amd64\nDepends: linux-base-cloud-amd64 (= 7.2.13-1), \
                      linux-image-7.2.13+deb14-cloud-amd64 (= 7.2.13-1)\n";
        assert_eq!(kernel_parts(record), ["linux-image-7.2.13+deb14-cloud-amd64"]);
        let split = "Depends: linux-modules-7.2 (= 1), linux-binary-7.2 | linux-binary-unsigned-7.2, kmod\n";
        assert_eq!(kernel_parts(split), ["linux-modules-7.2", "linux-binary-7.2"]);
        assert!(kernel_parts("Package: busybox-static\n").is_empty());
    }
}
