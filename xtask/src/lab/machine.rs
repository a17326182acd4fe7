use super::network::Network;
use super::node::Node;
use super::pause;
use crate::shell;
use crate::vm::{Size, qemu};
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// As large as a machine's disk may become; the file has holes.
const DISK: u64 = 512 << 20;

/// How long a process may take to go that was killed.
const PATIENCE: Duration = Duration::from_secs(20);

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
    pub fn start(
        &self,
        network: &Network,
        kernel: &Path,
        initramfs: &Path,
        size: &Size,
        accelerator: &str,
    ) -> Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        self.make_disk()?;
        let append = format!("mesh.node={}", self.node.name);
        let mut arguments = qemu::arguments(kernel, initramfs, size, accelerator, &append)?;
        arguments.extend(self.devices());
        let words: Vec<&str> =
            qemu::POLITELY.into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let mut command = network.inside(words[0], &words[1..]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(place().join("qemu.log"))?);
        // A Ctrl-C of ours is not for it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("starting {}", self.node.name))?;
        fs::write(self.pid_file(), child.id().to_string()).context("noting the machine's process")
    }

    /// With a file system that outlives a power cut, which busybox cannot make: its own has no journal.
    fn make_disk(&self) -> Result<()> {
        let disk = self.disk();
        if disk.exists() {
            return Ok(());
        }
        let blank = disk.with_extension("blank");
        File::create(&blank).and_then(|file| file.set_len(DISK)).context("making a disk")?;
        shell::must(shell::command("mke2fs", &["-q", "-t", "ext4", "-F", &blank.to_string_lossy()]))?;
        fs::rename(&blank, &disk).context("making a disk")
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
    pub fn kill(&self) -> Result<()> {
        let Some(pid) = self.pid() else { bail!("{} does not run", self.node.name) };
        kill(pid, Signal::SIGKILL).with_context(|| format!("ending {}", self.node.name))?;
        // Its network and its disk are free once it has gone.
        let deadline = Instant::now() + PATIENCE;
        while self.pid().is_some() {
            if Instant::now() > deadline {
                bail!("{} does not end, as process {pid}", self.node.name);
            }
            pause();
        }
        Ok(())
    }
}

/// `target/lab`: disks, consoles, and the cluster's secret.
pub fn place() -> PathBuf {
    shell::target().join("lab")
}
