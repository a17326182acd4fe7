//! Real processes, sockets and cgroups.

use super::super::{CgroupPath, Hierarchy, HostView, Instance, Wanted, resolve};
use crate::model::{Meta, ServiceName};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Says past libtest's capture that a test could not run.
fn skip(test: &str, reason: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
}

/// A cgroup that goes with the test.
struct OwnCgroup(PathBuf);

impl OwnCgroup {
    fn new(hierarchy: &Hierarchy, name: &str) -> Result<Self, String> {
        let path = hierarchy.mount().join(format!("mesh-dataplane-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    /// A process in it that holds the listener and sleeps.
    fn start(&self, listener: &TcpListener) -> Member {
        let procs = self.0.join("cgroup.procs");
        let keep = listener.try_clone().unwrap();
        let mut command = Command::new("sleep");
        command.arg("60").stdin(Stdio::null());
        let join = move || {
            nix::unistd::dup(&keep).map(std::os::fd::IntoRawFd::into_raw_fd)?;
            std::fs::write(&procs, "0")
        };
        // SAFETY: the test forks once, and what runs in the child is a dup, an open, a write and a close.
        unsafe { command.pre_exec(join) };
        Member(command.spawn().unwrap())
    }
}

impl Drop for OwnCgroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

struct Member(Child);

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn identities(instances: &[Instance], hierarchy: &Hierarchy) -> super::super::Identities {
    let survey = HostView::survey(hierarchy);
    let wanted = Wanted::by(instances, &survey.listeners);
    resolve(instances, &survey.with_processes(&wanted))
}

#[test]
fn a_real_process_is_found_by_the_port_that_it_listens_on() {
    let name = "a_real_process_is_found_by_the_port_that_it_listens_on";
    let hierarchy = match Hierarchy::find() {
        Ok(hierarchy) => hierarchy,
        Err(error) => return skip(name, &error.to_string()),
    };
    let cgroup = match OwnCgroup::new(&hierarchy, "listens") {
        Ok(cgroup) => cgroup,
        Err(error) => return skip(name, &error),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let app: SocketAddr = listener.local_addr().unwrap();
    let member = cgroup.start(&listener);
    drop(listener);
    let instances = [Instance::new(ServiceName::new("web").unwrap(), &Meta::new(), Some(app))];
    let found = identities(&instances, &hierarchy);
    assert_eq!(found.bound.len(), 1, "{found:?}");
    let bound = &found.bound[0].cgroups[0];
    assert_eq!(hierarchy.directory(&bound.path), cgroup.0);
    assert_eq!(Some(bound.clone()), hierarchy.cgroup(&bound.path));

    drop(member);
    let found = identities(&instances, &hierarchy);
    assert!(found.bound.is_empty() && found.unbound.len() == 1, "{found:?}");
}

#[test]
fn a_process_moved_by_mesh_run_is_its_service_and_leaves_nothing_behind() {
    let name = "a_process_moved_by_mesh_run_is_its_service_and_leaves_nothing_behind";
    let hierarchy = match Hierarchy::find() {
        Ok(hierarchy) => hierarchy,
        Err(error) => return skip(name, &error.to_string()),
    };
    let service = ServiceName::new(&format!("mesh-dataplane-run-{}", std::process::id())).unwrap();
    let start = || Member(Command::new("sleep").arg("60").spawn().unwrap());
    let first = start();
    let cgroup = match hierarchy.run_as(&service, first.0.id()) {
        Ok(cgroup) => cgroup,
        Err(error) => return skip(name, &error.to_string()),
    };
    let told = std::fs::read_to_string(format!("/proc/{}/cgroup", first.0.id())).unwrap();
    assert_eq!(CgroupPath::of_process(&told).as_ref(), Some(&cgroup.path));
    let instances = [Instance::new(service.clone(), &Meta::new(), None)];
    assert_eq!(identities(&instances, &hierarchy).bound[0].cgroups, std::slice::from_ref(&cgroup));

    drop(first);
    let events = hierarchy.directory(&cgroup.path).join("cgroup.events");
    eventually("nobody is in it", || std::fs::read_to_string(&events).unwrap().contains("populated 0"));
    let second = start();
    let next = hierarchy.run_as(&service, second.0.id()).unwrap();
    assert_eq!(hierarchy.cgroup(&cgroup.path), None, "the next run sweeps what nobody is in");
    assert!(hierarchy.run_as(&service, u32::MAX / 2).unwrap_err().to_string().contains("needs to be root"));
    drop(second);
    let mut directory = hierarchy.directory(&next.path);
    eventually("the second is gone", || std::fs::remove_dir(&directory).is_ok());
    directory.pop();
    std::fs::remove_dir(&directory).unwrap();
    directory.pop();
    // Others may run something right now.
    let _ = std::fs::remove_dir(directory);
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn our_own_socket_shows_that_we_share_a_cgroup_with_the_agent() {
    let name = "our_own_socket_shows_that_we_share_a_cgroup_with_the_agent";
    let hierarchy = match Hierarchy::find() {
        Ok(hierarchy) => hierarchy,
        Err(error) => return skip(name, &error.to_string()),
    };
    let listener = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0")).unwrap();
    let app = listener.local_addr().unwrap();
    let found =
        identities(&[Instance::new(ServiceName::new("web").unwrap(), &Meta::new(), Some(app))], &hierarchy);
    let reason = found.unbound[0].reason.to_string();
    assert!(reason.contains("cannot tell it from others"), "{reason}");
}
