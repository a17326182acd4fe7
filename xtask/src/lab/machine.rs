use super::network::Network;
use super::node::Node;
use crate::shell;
use crate::vm::{Size, qemu};
use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// As large as a machine's disk may become; the file has holes.
const DISK: u64 = 512 << 20;

/// One machine's files in target/lab, and its process.
pub struct Machine<'a> {
    pub node: &'a Node,
}

impl Machine<'_> {
    pub fn console(&self) -> PathBuf {
        place().join(format!("{}.log", self.node.name))
    }

    /// What outlives a reboot.
    fn disk(&self) -> PathBuf {
        place().join(format!("{}.disk", self.node.name))
    }

    fn pid_file(&self) -> PathBuf {
        place().join(format!("{}.pid", self.node.name))
    }

    /// Its process, if it runs: the file may be left by one that has ended, whose id somebody else has now.
    pub fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let pid: i32 = text.trim().parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let disk = self.disk().display().to_string();
        String::from_utf8_lossy(&line).contains(&disk).then(|| Pid::from_raw(pid))
    }

    /// Starts it in the background, unless it runs.
    pub fn start(&self, network: &Network, kernel: &Path, initramfs: &Path, size: &Size) -> Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        let disk = File::options().write(true).create(true).truncate(false).open(self.disk())?;
        disk.set_len(DISK).context("making a disk")?;
        let accelerator = if qemu::kvm_is_usable() { "kvm" } else { "tcg" };
        let append = format!("mesh.node={}", self.node.name);
        let mut arguments = qemu::arguments(kernel, initramfs, size, accelerator, &append)?;
        arguments.extend(self.devices());
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = network.inside(qemu::PROGRAM, &words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(place().join("qemu.log"))?);
        // A Ctrl-C of ours is not for it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("starting {}", self.node.name))?;
        fs::write(self.pid_file(), child.id().to_string()).context("noting the machine's process")
    }

    fn devices(&self) -> Vec<String> {
        let (console, disk) = (self.console(), self.disk());
        let devices = [
            "-serial".to_owned(),
            format!("file:{}", console.display()),
            "-netdev".to_owned(),
            format!("tap,id=lan,ifname={},script=no,downscript=no", self.node.tap()),
            "-device".to_owned(),
            format!("virtio-net-pci,netdev=lan,mac={},romfile=", self.node.hardware_address()),
            "-drive".to_owned(),
            format!("file={},if=virtio,format=raw", disk.display()),
        ];
        devices.to_vec()
    }

    /// As a power cut does.
    pub fn kill(&self) -> Result<bool> {
        let Some(pid) = self.pid() else { return Ok(false) };
        kill(pid, Signal::SIGKILL).with_context(|| format!("ending {}", self.node.name))?;
        Ok(true)
    }
}

/// `target/lab`: disks, consoles, and the cluster's secret.
pub fn place() -> PathBuf {
    shell::target().join("lab")
}
