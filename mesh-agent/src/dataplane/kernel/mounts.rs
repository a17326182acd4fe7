//! Where `/proc/mounts` says that file systems are.

use std::path::Path;

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

    const MOUNTS: &str = "tmpfs /sys/fs/cgroup tmpfs rw 0 0
bpf /run/mesh/bpf bpf rw 0 0
";

    #[test]
    fn a_covered_bpffs_is_none() {
        let path = Path::new("/run/mesh/bpf");
        assert!(is_bpffs(MOUNTS, path));
        assert!(!is_bpffs(&format!("{MOUNTS}tmpfs /run/mesh/bpf tmpfs rw 0 0\n"), path));
        assert!(!is_bpffs(MOUNTS, Path::new("/run/mesh")));
    }
}
