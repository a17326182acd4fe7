use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const BELOW: [&str; 3] = ["agent", "client", "echo"];

/// How long those who were ended may take to leave a cgroup.
const PATIENCE: Duration = Duration::from_secs(5);

/// A cgroup each for an agent, its client and its server, below one that the agent's programs hang on, and what
/// the agent keeps in the kernel. All of it goes when dropped.
pub struct Cgroups {
    top: PathBuf,
    pins: PathBuf,
}

impl Cgroups {
    /// # Errors
    /// There is no second version of cgroups, or they cannot be made.
    pub fn create(label: &str) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/mounts").context("reading /proc/mounts")?;
        let mount =
            mount_of_cgroup2(&mounts).context("no cgroup2 is mounted: the kernel steers by cgroups")?;
        let name = format!("mesh-bench-{}-{label}", std::process::id());
        let cgroups =
            Self { top: Path::new(mount).join(&name), pins: Path::new("/run").join(name).join("bpf") };
        for below in BELOW {
            let place = cgroups.top.join(below);
            fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
        }
        Ok(cgroups)
    }

    pub fn top(&self) -> &Path {
        &self.top
    }

    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// As the agent names one of them.
    pub fn path(&self, below: &str) -> String {
        let name = self.top.file_name().expect("it has a name").to_string_lossy();
        format!("/{name}/{below}")
    }

    /// Who writes his process's number here is in it.
    pub fn entrance(&self, below: &str) -> PathBuf {
        self.top.join(below).join("cgroup.procs")
    }
}

impl Cgroups {
    /// Who writes his process's number here is in none of them.
    pub fn exit(&self) -> PathBuf {
        self.top.with_file_name("cgroup.procs")
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let mut detach = Command::new(shell::target().join("release/mesh"));
        detach.args(["dataplane", "detach"]).arg(format!("-pins={}", self.pins.display()));
        if !shell::succeeds(detach) {
            eprintln!("kernel programs stay behind: mesh dataplane detach -pins={}", self.pins.display());
        }
        for below in BELOW.iter().chain(&[""]) {
            remove(&self.top.join(below));
        }
        // It is empty, or it was said above what is in it.
        fs::remove_dir_all(self.pins.parent().expect("it has one")).ok();
    }
}

fn mount_of_cgroup2(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let place = fields.next()?;
        (fields.next() == Some("cgroup2")).then_some(place)
    })
}

fn remove(cgroup: &Path) {
    let begun = Instant::now();
    while let Err(error) = fs::remove_dir(cgroup) {
        if begun.elapsed() > PATIENCE {
            return eprintln!("{} stays behind: {error}", cgroup.display());
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup2_is_found_on_hybrid_hosts_too() {
        let hybrid =
            "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(mount_of_cgroup2(hybrid), Some("/sys/fs/cgroup/unified"));
        assert_eq!(mount_of_cgroup2("cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n"), None);
    }
}
