//! Where `/proc/mounts` says that file systems are.

use std::path::{Path, PathBuf};

/// The root of the second version of cgroups: the whole of `/sys/fs/cgroup`, or a folder of it where a
/// host has both versions.
#[must_use]
pub fn find_cgroup2(mounts: &str) -> Option<PathBuf> {
    entries(mounts).find(|(_, kind)| *kind == "cgroup2").map(|(at, _)| PathBuf::from(at))
}

pub(super) fn is_bpffs(mounts: &str, path: &Path) -> bool {
    // The last mount covers those before it.
    entries(mounts).filter(|(at, _)| Path::new(at) == path).last().is_some_and(|(_, kind)| kind == "bpf")
}

/// Mount point and kind of file system.
fn entries(mounts: &str) -> impl Iterator<Item = (&str, &str)> {
    mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
bpf /run/mesh/bpf bpf rw 0 0
";

    #[test]
    fn cgroups_are_found_where_the_host_has_them() {
        let unified = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let cases = [
            (HYBRID, Some("/sys/fs/cgroup/unified")),
            (unified, Some("/sys/fs/cgroup")),
            ("cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n", None),
            ("", None),
        ];
        for (mounts, found) in cases {
            assert_eq!(find_cgroup2(mounts), found.map(PathBuf::from), "{mounts}");
        }
    }

    #[test]
    fn a_covered_bpffs_is_none() {
        let path = Path::new("/run/mesh/bpf");
        assert!(is_bpffs(HYBRID, path));
        assert!(!is_bpffs(&format!("{HYBRID}tmpfs /run/mesh/bpf tmpfs rw 0 0\n"), path));
        assert!(!is_bpffs(HYBRID, Path::new("/run/mesh")));
    }
}
