//! Real containers of a real Docker, which this test starts for itself: in a network of its own, without a registry.
//!
//! It wants `dockerd`, `docker`, `unshare`, `tar` and a static `busybox` (Debian: docker.io, busybox-static), and runs
//! on demand: `cargo test --workspace --test e2e -- docker --ignored`.

use super::{Cgroups, is_settled, mesh, mesh_denies, start_agent, virtual_ip};
use mesh_tests::{Output, Process, eventually, netns, run, skip};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const IMAGE: &str = "mesh-test:1";

/// Docker wants to see cgroups of one version alone, and leaves mounts behind: it has its own view of both.
const START: &str = "set -e
mount --make-rprivate /
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo 1 > /proc/sys/net/ipv4/ip_forward
exec dockerd --data-root $1/data --exec-root $1/exec --pidfile $1/pid -H unix://$1/docker.sock \\
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent $2";

/// A Docker of the test's own. Containers, and what they are made of, end with it.
struct Docker {
    folder: TempDir,
    engine: Process,
    /// The cgroup that its containers' are in.
    parent: PathBuf,
}

impl Docker {
    fn start(cgroups: &Cgroups) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", START, "sh"]).arg(folder.path()).arg(cgroups.path("box"));
        let engine = Process::start(command, &folder.path().join("dockerd.log"));
        let mut docker = Self { folder, engine, parent: cgroups.top.join("box") };
        let is_up = || docker.command(&["version"]).output().is_ok_and(|output| output.status.success());
        if mesh_tests::within(Duration::from_secs(30), || is_up().then_some(())).is_some() {
            docker.import()?;
            return Ok(docker);
        }
        let log = docker.engine.log();
        let ended = docker.engine.ended();
        Err(format!(
            "dockerd does not come up ({ended:?}): {}",
            log.lines().last().unwrap_or("it says nothing")
        ))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("-H").arg(format!("unix://{}/docker.sock", self.folder.path().display())).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments)).success().trim().to_owned()
    }

    /// One program under several names is all that is in the image.
    fn import(&self) -> Result<(), String> {
        let root = self.folder.path().join("root");
        let failed = |error: std::io::Error| format!("an image could not be made: {error}");
        for folder in ["bin", "etc", "tmp", "www"] {
            std::fs::create_dir_all(root.join(folder)).map_err(failed)?;
        }
        std::fs::copy("/bin/busybox", root.join("bin/busybox")).map_err(failed)?;
        for name in ["sh", "httpd", "nc", "sleep"] {
            symlink("busybox", root.join("bin").join(name)).map_err(failed)?;
        }
        let mut tar = Command::new("tar");
        let mut tar =
            tar.arg("-C").arg(&root).args(["-c", "."]).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut import = self.command(&["import", "-", IMAGE]);
        let output = import.stdin(tar.stdout.take().expect("it is a pipe")).output().map_err(failed)?;
        let done = tar.wait().map_err(failed)?.success() && output.status.success();
        done.then_some(()).ok_or_else(|| format!("an image could not be imported: {output:?}"))
    }

    /// Its id.
    fn container(&self, name: &str, options: &[&str], program: &str) -> String {
        let run = [&["run", "-d", "--name", name][..], options, &[IMAGE, "/bin/sh", "-c", program]].concat();
        self.run(&run)
    }

    /// An HTTP server that says its name.
    fn server(&self, name: &str, port: u16, options: &[&str]) -> String {
        let program = format!("echo {name} > /www/index.html; exec httpd -f -p {port} -h /www");
        self.container(name, options, &program)
    }

    fn address(&self, container: &str) -> String {
        self.run(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", container])
    }

    /// What a program in the container is answered by HTTP.
    fn ask(&self, container: &str, address: Ipv4Addr) -> Output {
        let ask = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} 80");
        run(&mut self.command(&["exec", container, "/bin/sh", "-c", &ask]))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        let containers = run(&mut self.command(&["ps", "-aq"])).stdout;
        let ids: Vec<_> = containers.lines().collect();
        run(&mut self.command(&[&["rm", "-f"][..], &ids].concat()));
        self.engine.signal(nix::sys::signal::Signal::SIGTERM);
        let _ = self.engine.wait(Duration::from_secs(20));
        remove(&self.parent);
    }
}

/// What keeps this test from being run here.
fn missing() -> Option<String> {
    let has = |program: &str| {
        let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/bin"];
        folders.iter().any(|folder| Path::new(folder).join(program).exists())
    };
    let program = ["dockerd", "docker", "containerd", "runc", "iptables", "busybox", "tar", "unshare"];
    program.into_iter().find(|program| !has(program)).map(|program| format!("{program} is not installed"))
}

fn configuration(cgroups: &Cgroups, docker: &Docker, ids: &[(&str, String)]) -> Value {
    let of = |name: &str| {
        let (_, id) = ids.iter().find(|(known, _)| *known == name).expect("it was started");
        json!({ "mesh-workload": format!("container:{}", &id[..12]) })
    };
    let inside = docker.address("bridged");
    json!({
        "dataplane": "auto", "dataplane_cgroup": cgroups.top, "dataplane_pins": cgroups.pins, "services": [
            { "name": "bridged", "address": inside, "port": 80, "meta": of("bridged"),
              "connect": { "sidecar_service": { "address": "127.0.0.1", "proxy": { "local_service_address": inside } } } },
            { "name": "published", "port": 18080, "meta": of("published"), "connect": { "sidecar_service": {} } },
            // Who listens in the host's own network is found by that.
            { "name": "hosted", "port": 18090, "connect": { "sidecar_service": {} } },
            { "name": "client", "meta": of("client") },
            { "name": "neighbour", "meta": of("neighbour") },
        ],
    })
}

fn statuses() -> String {
    run(&mut mesh(&["dataplane", "status"])).stdout
}

/// A line of them that begins and ends so.
fn has_line(statuses: &str, begin: &str, end: &str) -> bool {
    statuses.lines().any(|line| line.starts_with(begin) && line.ends_with(end))
}

fn body(test: &str) -> Result<(), String> {
    let cgroups = Cgroups::new(test)?;
    let docker = Docker::start(&cgroups)?;
    let ids = [
        ("bridged", docker.server("bridged", 80, &[])),
        ("published", docker.server("published", 80, &["-p", "18080:80"])),
        ("hosted", docker.server("hosted", 18090, &["--network", "host"])),
        ("client", docker.container("client", &[], "sleep 3600")),
        ("neighbour", docker.container("neighbour", &["--network", "host"], "sleep 3600")),
        ("stranger", docker.container("stranger", &[], "sleep 3600")),
    ];
    let directory = tempfile::tempdir().unwrap();
    let config = configuration(&cgroups, &docker, &ids).to_string();
    std::fs::write(directory.path().join("config.json"), config).unwrap();
    let agent = start_agent(&cgroups, directory.path());
    let status = eventually("the data plane has a mode", || {
        Some(statuses()).filter(|statuses| statuses.strip_prefix("mode = ").is_some_and(is_settled))
    });
    if !status.starts_with("mode = ebpf") {
        return Err(status);
    }

    let services = ["bridged", "published", "hosted"];
    for service in services {
        for client in ["client", "neighbour"] {
            eventually(&format!("{client} reaches {service}"), || {
                docker
                    .ask(client, virtual_ip(service))
                    .stdout
                    .ends_with(&format!("{service}\n"))
                    .then_some(())
            });
        }
        let output = docker.ask("stranger", virtual_ip(service));
        assert!(output.status != Some(0) && output.stderr.contains("refused"), "{service}: {output:?}");
    }
    let told = statuses();
    for (service, by) in
        [("bridged", "(by selector)"), ("published", "(by selector)"), ("hosted", "(by listening socket)")]
    {
        assert!(has_line(&told, &format!("service.{service} = /"), by), "{service}: {told}");
    }
    assert!(has_line(&told, "network.", "served (client is in it)"), "{told}");

    mesh_denies("client", "*");
    for service in services {
        let is =
            |client: &str| docker.ask(client, virtual_ip(service)).stdout.ends_with(&format!("{service}\n"));
        eventually(&format!("client is denied {service}"), || (!is("client")).then_some(()));
        assert!(is("neighbour"), "nobody has denied it {service}");
    }
    drop(agent);
    Ok(())
}

/// What Docker leaves of the parent that it was given.
fn remove(cgroup: &Path) {
    for below in
        std::fs::read_dir(cgroup).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir())
    {
        remove(&below.path());
    }
    let _ = std::fs::remove_dir(cgroup);
}

#[test]
#[ignore = "starts a Docker of its own: install docker.io and busybox-static, run as root with --ignored"]
fn containers_of_a_real_docker_are_found_reached_and_denied() {
    const TEST: &str = "docker";
    let outcome = netns::isolated(|| {
        if let Some(reason) = missing().or_else(|| body(TEST).err()) {
            skip(TEST, &reason);
        }
    });
    if let Err(reason) = outcome {
        skip(TEST, &reason);
    }
}
