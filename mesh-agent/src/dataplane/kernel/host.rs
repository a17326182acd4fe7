use crate::dataplane::workload::Hierarchy;
use std::fs;
use std::path::PathBuf;

/// What was found out about this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Major and minor version of the kernel.
    pub kernel: (u32, u32),
    /// The process's effective capabilities, a bit each.
    pub capabilities: u64,
    /// Where all of it is mounted, or why it is not to be had.
    pub cgroup2: Result<PathBuf, String>,
    /// Whether the kernel knows the file system of pinned programs.
    pub bpffs: bool,
}

/// Why the kernel programs cannot run on a host: what is missing, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("Linux {major}.{minor} is too old for the kernel programs: they need {}.{}", Host::OLDEST.0, Host::OLDEST.1)]
    Kernel { major: u32, minor: u32 },
    #[error("the agent lacks {capability}, which the kernel programs need: run it as root or grant it")]
    Capability { capability: &'static str },
    #[error("the kernel programs tell services apart by cgroups: {reason}")]
    Cgroups { reason: String },
    #[error("this kernel has no bpf file system, which keeps the kernel programs over restarts")]
    FileSystem,
}

impl Host {
    /// The first kernel on which the hook of a TCP connection's life can tell network namespaces apart.
    pub const OLDEST: (u32, u32) = (5, 15);

    const CAPABILITIES: [(u32, &'static str); 4] =
        [(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN"), (38, "CAP_PERFMON"), (39, "CAP_BPF")];

    /// Reads this host; what cannot be read counts as missing.
    #[must_use]
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            kernel: version(&read("/proc/sys/kernel/osrelease")),
            capabilities: effective(&read("/proc/self/status")),
            cgroup2: match Hierarchy::find() {
                Ok(hierarchy) => Ok(hierarchy.mount().to_path_buf()),
                Err(error) => Err(error.to_string()),
            },
            bpffs: read("/proc/filesystems")
                .lines()
                .any(|line| line.trim_start_matches("nodev").trim() == "bpf"),
        }
    }

    /// Whether the kernel programs can run here.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn check(&self) -> Result<(), Unfit> {
        if self.kernel < Self::OLDEST {
            return Err(Unfit::Kernel { major: self.kernel.0, minor: self.kernel.1 });
        }
        let mut missing = Self::CAPABILITIES.iter().filter(|(bit, _)| self.capabilities & (1 << bit) == 0);
        if let Some((_, capability)) = missing.next() {
            return Err(Unfit::Capability { capability });
        }
        if let Err(reason) = &self.cgroup2 {
            return Err(Unfit::Cgroups { reason: reason.clone() });
        }
        if self.bpffs { Ok(()) } else { Err(Unfit::FileSystem) }
    }
}

/// `6.18.44-fc-v657`; 0.0 for what is no version.
fn version(release: &str) -> (u32, u32) {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

/// The line `CapEff:` of a process's status.
fn effective(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Host {
        Host { kernel: (6, 1), capabilities: u64::MAX, cgroup2: Ok("/sys/fs/cgroup".into()), bpffs: true }
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            (fit(), Ok(())),
            (Host { kernel: (5, 15), ..fit() }, Ok(())),
            (Host { kernel: (5, 14), ..fit() }, Err(Unfit::Kernel { major: 5, minor: 14 })),
            (Host { capabilities: 0, ..fit() }, Err(Unfit::Capability { capability: "CAP_NET_ADMIN" })),
            (Host { capabilities: !(1 << 39), ..fit() }, Err(Unfit::Capability { capability: "CAP_BPF" })),
            (
                Host { cgroup2: Err("none".to_owned()), ..fit() },
                Err(Unfit::Cgroups { reason: "none".to_owned() }),
            ),
            (Host { bpffs: false, ..fit() }, Err(Unfit::FileSystem)),
        ];
        for (host, found) in cases {
            assert_eq!(host.check(), found, "{host:?}");
        }
    }

    #[test]
    fn versions_and_capabilities_are_read_as_the_kernel_writes_them() {
        for (release, found) in [("6.18.44-fc-v657\n", (6, 18)), ("5.15.0-91-generic", (5, 15)), ("", (0, 0))]
        {
            assert_eq!(version(release), found, "{release}");
        }
        assert_eq!(effective("Name:\tmesh\nCapEff:\t000001ffffffffff\n"), 0x1ff_ffff_ffff);
        assert_eq!(effective(""), 0);
    }
}
