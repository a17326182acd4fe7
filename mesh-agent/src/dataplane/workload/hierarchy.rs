use super::cgroup::RUN;
use super::{Cgroup, CgroupPath};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most cgroups looked at, and how deep: a host has hundreds, and a runaway has no end.
const MOST: usize = 65_536;
const DEEPEST: usize = 32;

/// The one hierarchy whose cgroups the kernel tells sockets by: version 2, also on hosts that have
/// hierarchies of version 1 beside it.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Where it is mounted.
    mount: PathBuf,
}

/// Why there are no cgroups to tell workloads by.
#[derive(Debug, thiserror::Error)]
pub enum HierarchyError {
    #[error("the mounts cannot be read from {path}: {source}")]
    Unreadable {
        path: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("no cgroup2 file system is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup/unified")]
    NotMounted,
    #[error(
        "the agent is in a cgroup namespace: only {root} of the hierarchy is mounted at {mount}; run it in the host's"
    )]
    Namespaced { root: String, mount: String },
}

const MOUNTS: &str = "/proc/self/mountinfo";

impl Hierarchy {
    /// # Errors
    /// There is none, or only a part of it can be seen.
    pub fn find() -> Result<Self, HierarchyError> {
        let mounts = std::fs::read_to_string(MOUNTS)
            .map_err(|source| HierarchyError::Unreadable { path: MOUNTS, source })?;
        Self::among(&mounts)
    }

    /// The first whole one among the lines of `mountinfo`.
    fn among(mounts: &str) -> Result<Self, HierarchyError> {
        let found: Vec<(&str, &str)> = mounts.lines().filter_map(cgroup2_mount).collect();
        match found.iter().find(|(root, _)| *root == "/").or(found.first()) {
            Some(("/", mount)) => Ok(Self { mount: mount.into() }),
            Some((root, mount)) => {
                Err(HierarchyError::Namespaced { root: (*root).to_owned(), mount: (*mount).to_owned() })
            }
            None => Err(HierarchyError::NotMounted),
        }
    }

    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// The directory of a cgroup.
    pub fn directory(&self, path: &CgroupPath) -> PathBuf {
        self.mount.join(path.as_str().trim_start_matches('/'))
    }

    /// A cgroup as it is now; `None` if it is gone.
    pub fn cgroup(&self, path: &CgroupPath) -> Option<Cgroup> {
        let id = std::fs::metadata(self.directory(path)).ok()?.ino();
        Some(Cgroup { id, path: path.clone() })
    }

    /// Every cgroup but the root, with its id. What vanishes meanwhile is left out.
    pub fn cgroups(&self) -> BTreeMap<CgroupPath, u64> {
        let mut found = BTreeMap::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((parent, depth)) = open.pop() {
            for (path, id) in self.children(&parent) {
                if found.len() >= MOST {
                    return found;
                }
                if depth + 1 < DEEPEST {
                    open.push((path.clone(), depth + 1));
                }
                found.extend(CgroupPath::parse(&path).map(|path| (path, id)));
            }
        }
        found
    }

    /// The places of the cgroups that `mesh run` has made, in no order of theirs. This is quick.
    pub fn started(&self) -> Vec<String> {
        let services = self.children(&format!("/{RUN}")).into_iter();
        let mut places: Vec<_> =
            services.flat_map(|(service, _)| self.children(&service)).map(|(place, _)| place).collect();
        places.sort();
        places
    }

    /// The cgroups directly in one.
    fn children(&self, parent: &str) -> Vec<(String, u64)> {
        let Ok(entries) = std::fs::read_dir(self.mount.join(parent.trim_start_matches('/'))) else {
            return Vec::new();
        };
        let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let named = directories.filter_map(|entry| {
            Some((format!("{parent}/{}", entry.file_name().to_str()?), entry.metadata().ok()?.ino()))
        });
        named.collect()
    }
}

/// Root and mount point, where the line of `mountinfo` is one of cgroup2.
fn cgroup2_mount(line: &str) -> Option<(&str, &str)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut fields = place.split(' ').skip(3);
    let (root, mount) = (fields.next()?, fields.next()?);
    (kind.split(' ').next() == Some("cgroup2")).then_some((root, mount))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
        30 23 0:26 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755\n\
        31 30 0:27 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n\
        32 30 0:28 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_hierarchy_is_found_alone_or_beside_older_ones() {
        let unified = "25 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        for (mounts, expected) in [(unified, "/sys/fs/cgroup"), (HYBRID, "/sys/fs/cgroup/unified")] {
            assert_eq!(Hierarchy::among(mounts).unwrap().mount(), Path::new(expected));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let inside = "25 23 0:22 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        for (mounts, words) in [("", "mount -t cgroup2"), (inside, "/docker/1")] {
            let error = Hierarchy::among(mounts).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
