use crate::model::ServiceName;
use std::fmt;

/// Where `mesh run` makes its cgroups: below the root, where only root can.
pub(super) const RUN: &str = "mesh-run";

/// Hexadecimal digits of a container's full id.
const CONTAINER_ID: usize = 64;

/// They listen on the ports that containers publish, and on hosts with older hierarchies beside this one their
/// containers may be in here with them.
const MANAGERS: [&str; 5] =
    ["docker.service", "containerd.service", "crio.service", "podman.service", "snap.docker.dockerd.service"];

/// A cgroup's place in the hierarchy: absolute, without empty parts and without `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupPath(String);

/// A cgroup as it is now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cgroup {
    pub path: CgroupPath,
    /// The inode number of its directory; no other cgroup gets it while the kernel runs.
    pub id: u64,
}

impl CgroupPath {
    /// `None` where the text is no such path.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.strip_prefix('/')?;
        let legal = |part: &str| !part.is_empty() && part != ".." && part != ".";
        (parts.is_empty() || parts.split('/').all(legal)).then(|| Self(text.to_owned()))
    }

    /// Of a process, by its `/proc/PID/cgroup`. `None` where it is outside of the hierarchy that we see.
    pub fn of_process(proc_cgroup: &str) -> Option<Self> {
        let line = proc_cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
        Self::parse(line.strip_suffix(" (deleted)").unwrap_or(line))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The last part; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// It is that cgroup, or below it.
    pub fn is_within(&self, top: &Self) -> bool {
        self.0
            .strip_prefix(&top.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || top.0 == "/")
    }

    /// Why processes are here that have nothing to do with each other, so that being here proves nothing.
    pub fn shared(&self) -> Option<&'static str> {
        let login = |part: &str| part.starts_with("session-") && part.ends_with(".scope");
        if self.0 == "/" {
            Some("it is the root of all cgroups")
        } else if self.0 == "/init.scope" {
            Some("it is that of the system's first process")
        } else if self.name().ends_with(".slice") {
            Some("it is a slice, which holds what has nothing to do with each other")
        } else if MANAGERS.contains(&self.name()) {
            Some(
                "it is that of a container manager, which listens for its containers; select one by container:ID",
            )
        } else if self.parts().any(login) {
            Some("it is that of a login session")
        } else {
            None
        }
    }

    /// The full id of the container that this is the cgroup of, in the layouts of Docker, Podman, containerd
    /// and CRI-O, with systemd (`docker-ID.scope`) and without (`/docker/ID`).
    pub fn container(&self) -> Option<&str> {
        let name = self.name();
        let name = name.strip_suffix(".scope").unwrap_or(name);
        let id = name.rsplit(['-', ':']).next().unwrap_or(name);
        let is_id = id.len() == CONTAINER_ID && id.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then_some(id)
    }

    /// The service that `mesh run` made this for.
    pub fn run_for(&self) -> Option<ServiceName> {
        let mut parts = self.parts();
        let below_root = parts.next() == Some(RUN);
        let service = parts.next().filter(|_| below_root)?;
        (parts.next().is_some() && parts.next().is_none()).then(|| ServiceName::new(service).ok())?
    }
}

impl fmt::Display for CgroupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CgroupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn path(text: &str) -> CgroupPath {
        CgroupPath::parse(text).unwrap()
    }

    #[test]
    fn a_process_is_in_one_cgroup_whatever_older_hierarchies_say() {
        let table = [
            ("0::/system.slice/web.service\n", Some("/system.slice/web.service")),
            (
                "12:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/system.slice/web.service\n",
                Some("/system.slice/web.service"),
            ),
            // Docker on a hybrid host, by cgroupfs: the older hierarchies alone know the container.
            (
                "4:memory:/docker/0123\n1:name=systemd:/docker/0123\n0::/system.slice/docker.service\n",
                Some("/system.slice/docker.service"),
            ),
            ("0::/gone (deleted)\n", Some("/gone")),
            ("0::/\n", Some("/")),
            ("0::/../other\n", None),
            ("1:name=systemd:/only/old\n", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = CgroupPath::of_process(text);
            assert_eq!(found.as_ref().map(CgroupPath::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn a_path_cannot_climb_out() {
        for bad in ["", "a", "a/b", "//", "/a//b", "/a/..", "/../a", "/a/./b", "/a/"] {
            assert!(CgroupPath::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn containers_are_found_in_every_layout() {
        let layouts = [
            format!("/system.slice/docker-{ID}.scope"),
            format!("/docker/{ID}"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"),
            format!("/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{ID}.scope"),
            format!("/lxc.payload.host/docker/{ID}"),
            format!(
                "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-{ID}.scope"
            ),
            format!("/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"),
            format!("/kubepods/besteffort/pod1/{ID}"),
            format!("/machine.slice/libpod-{ID}.scope"),
            format!("/kubepods.slice/crio-{ID}.scope"),
            format!("/system.slice/containerd.service/kubepods-pod1:cri-containerd:{ID}"),
        ];
        for layout in layouts {
            assert_eq!(path(&layout).container(), Some(ID), "{layout}");
        }
        for other in
            ["/", "/system.slice/web.service", "/docker/abc", &format!("/machine.slice/libpod-{ID}.scope/x")]
        {
            assert_eq!(path(other).container(), None, "{other}");
        }
    }

    #[test]
    fn a_cgroup_that_strangers_share_identifies_nobody() {
        let sessions = "/user.slice/user-0.slice/session-3.scope";
        let managers = ["/system.slice/docker.service", "/system.slice/containerd.service"];
        let others = ["/", "/init.scope", "/system.slice", "/user.slice/user-0.slice", sessions];
        for shared in others.into_iter().chain(managers) {
            assert!(path(shared).shared().is_some(), "{shared}");
        }
        let pod = format!("/system.slice/containerd.service/kubepods-pod1:cri-containerd:{ID}");
        let user = "/user.slice/user-1.slice/user@1.service/app/web";
        for own in ["/system.slice/web.service", "/web", user, &pod] {
            assert_eq!(path(own).shared(), None, "{own}");
        }
    }

    #[test]
    fn only_a_place_that_root_made_is_one_of_mesh_run() {
        let of = |text: &str| path(text).run_for().map(|name| name.to_string());
        assert_eq!(of("/mesh-run/web/17"), Some("web".to_owned()));
        for other in ["/mesh-run", "/mesh-run/web", "/mesh-run/web/17/x", "/a/mesh-run/web/17", "/web/17"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
