//! Agents that end.

use super::{Scene, curl, eventually_reached, transparently};
use mesh_tests::{Process, eventually, run};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn without_an_agent_mesh_destinations_are_refused_and_detach_leaves_nothing() {
    transparently("stopped", |mut scene| {
        eventually_reached(&scene, "far");
        let far = scene.virtual_ip("far");
        let refused = scene.cgroups.detach();
        assert!(refused.stderr.contains("another agent of this host has it"), "{refused:?}");
        scene.agent.signal(Signal::SIGTERM);
        assert!(scene.agent.wait(Duration::from_secs(30)).is_some(), "the agent does not end");
        let fetch = curl(&format!("http://{far}/"));
        assert_eq!(run(&mut scene.cgroups.enter("client", fetch)).status, Some(7));
        scene.cgroups.detach().success();
        assert!(!scene.cgroups.pins.join("links").exists());
    });
}

/// Begins a request, and ends it when the file is there.
pub(super) const PATIENT: &str = "import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 5 * second)
s.settimeout(60 * second)
s.sendall(b'GET / HTTP/1.0\\r\\n')
print('begun', flush=True)
while not os.path.exists(sys.argv[2]): time.sleep(0.02)
s.sendall(b'\\r\\n')
found = b''
while chunk := s.recv(4096): found += chunk
print(found.split(b'\\r\\n\\r\\n')[1].decode(), flush=True)";

/// Asks again and again until the file is there, and prints what came of it: `answered`, or when it failed and why.
const CEASELESS: &str = "import os, socket, sys, time
while not os.path.exists(sys.argv[3]):
    try:
        with socket.create_connection((sys.argv[1], 80), 5 * second) as s:
            s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
            found = b''
            while chunk := s.recv(4096): found += chunk
        if not found.endswith(sys.argv[2].encode()): raise OSError('no answer')
        print('answered', flush=True)
    except OSError as e: print('failed', time.time(), e, flush=True)
    time.sleep(0.002)";

/// A client that asks a service again and again.
pub(super) struct Ceaseless {
    process: Process,
    stop: PathBuf,
}

impl Ceaseless {
    pub fn begin(scene: &Scene, service: &str) -> Self {
        let address = scene.virtual_ip(service).to_string();
        let folder = tempfile::tempdir_in(scene.directory.path()).unwrap().keep();
        let stop = folder.join("stop");
        let command = scene.python("client", CEASELESS, &[&address, service, &stop.display().to_string()]);
        let begun = Self { process: Process::start(command, &folder.join("log")), stop };
        begun.goes_on();
        begun
    }

    fn answers(&self) -> usize {
        self.process.log().lines().filter(|line| *line == "answered").count()
    }

    /// It has had a hundred answers more.
    pub fn goes_on(&self) {
        let before = self.answers();
        eventually("it has answers", || (self.answers() >= before + 100).then_some(()));
    }

    /// When it had no answer.
    pub fn end(mut self) -> Vec<SystemTime> {
        std::fs::write(&self.stop, "").unwrap();
        assert!(self.process.wait(Duration::from_secs(30)).is_some());
        let log = self.process.log();
        let failed = log.lines().filter(|line| *line != "answered").inspect(|line| eprintln!("{line}"));
        let at = |line: &str| {
            let seconds = line.split(' ').nth(1).and_then(|time| time.parse().ok());
            UNIX_EPOCH + Duration::from_secs_f64(seconds.unwrap_or_else(|| panic!("no time in {line}")))
        };
        failed.map(at).collect()
    }
}

#[test]
fn straight_connections_outlive_an_agent_that_is_killed_and_the_next_one_takes_over() {
    transparently("killed", |mut scene| {
        eventually("web is reached straight", || {
            eventually_reached(&scene, "web");
            (scene.counter("local") > 0).then_some(())
        });
        eventually_reached(&scene, "far");
        let (web, far) = (scene.virtual_ip("web").to_string(), scene.virtual_ip("far"));
        let go = scene.directory.path().join("go");
        let command = scene.python("client", PATIENT, &[&web, &go.display().to_string()]);
        let mut patient = Process::start(command, &scene.directory.path().join("patient.log"));
        let ceaseless = Ceaseless::begin(&scene, "web");
        let mut through = scene.hold("client", "far");
        eventually("it has begun", || patient.log().contains("begun").then_some(()));

        scene.agent.signal(Signal::SIGKILL);
        assert!(scene.agent.wait(Duration::from_secs(10)).is_some());
        assert_ne!(through.end(), "answered", "whose bytes the agent moved sees the end");
        let refused = scene.fetch("client", &format!("http://{far}/"));
        assert_eq!(refused.status, Some(7), "nobody is there to bring it: {refused:?}");
        scene.restart();
        eventually_reached(&scene, "far");
        std::fs::write(&go, "").unwrap();
        assert!(patient.wait(Duration::from_secs(30)).is_some());
        assert_eq!(patient.log(), "begun\nweb\n");
        ceaseless.goes_on();
        let failures = ceaseless.end();
        assert!(
            failures.is_empty(),
            "an agent without a memory takes nothing away before it knows: {failures:?}"
        );
    });
}

const MANY: &str = "import socket, sys
done = 0
for _ in range(int(sys.argv[2])):
    with socket.create_connection((sys.argv[1], 80), 5 * second): done += 1
print(done)";

#[test]
fn ten_thousand_connections_through_an_agent_leave_no_entry_behind() {
    transparently("many", |scene| {
        for (service, count) in [("far", "1000"), ("web", "9000")] {
            eventually_reached(&scene, service);
            let address = scene.virtual_ip(service).to_string();
            let found = run(&mut scene.python("client", MANY, &[&address, count])).success();
            assert_eq!(found.trim(), count, "{service}");
        }
        eventually("the kernel has forgotten them", || {
            let empty = |map: &str| scene.fact(&format!("map.{map}")).starts_with("0 of");
            ["origin", "admitted"].into_iter().all(empty).then_some(())
        });
    });
}
