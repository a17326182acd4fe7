//! Agents that end.

use super::{eventually_reached, transparently};
use mesh_tests::{Process, eventually, run};
use nix::sys::signal::Signal;
use std::process::Command;
use std::time::Duration;

#[test]
fn without_an_agent_mesh_destinations_are_refused_and_detach_leaves_nothing() {
    transparently("stopped", |mut scene| {
        eventually_reached(&scene, "far");
        let far = scene.virtual_ip("far");
        let refused = scene.cgroups.detach();
        assert!(refused.stderr.contains("another agent of this host has it"), "{refused:?}");
        scene.agent.signal(Signal::SIGTERM);
        assert!(scene.agent.wait(Duration::from_secs(30)).is_some(), "the agent does not end");
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "5"]).arg(format!("http://{far}/"));
        assert_eq!(run(&mut scene.cgroups.enter("client", command)).status, Some(7));
        scene.cgroups.detach().success();
        assert!(!scene.cgroups.pins.join("links").exists());
    });
}

/// Begins a request, and ends it when the file is there.
pub(super) const PATIENT: &str = "import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 5)
s.settimeout(60)
s.sendall(b'GET / HTTP/1.0\\r\\n')
print('begun', flush=True)
while not os.path.exists(sys.argv[2]): time.sleep(0.02)
s.sendall(b'\\r\\n')
found = b''
while chunk := s.recv(4096): found += chunk
print(found.split(b'\\r\\n\\r\\n')[1].decode(), flush=True)";

/// Connects again and again until the file is there, and prints how often that failed.
const CEASELESS: &str = "import os, socket, sys
failed = 0
while not os.path.exists(sys.argv[2]):
    try: socket.create_connection((sys.argv[1], 80), 5).close()
    except OSError: failed += 1
print(failed)";

#[test]
fn straight_connections_outlive_an_agent_that_is_killed_and_the_next_one_takes_over() {
    transparently("killed", |mut scene| {
        eventually("web is reached straight", || {
            eventually_reached(&scene, "web");
            (scene.counter("local") > 0).then_some(())
        });
        eventually_reached(&scene, "far");
        let (web, far) = (scene.virtual_ip("web").to_string(), scene.virtual_ip("far"));
        let (go, stop) = (scene.directory.path().join("go"), scene.directory.path().join("stop"));
        let (go_text, stop_text) = (go.display().to_string(), stop.display().to_string());
        let log = |name: &str| scene.directory.path().join(name);
        let mut patient =
            Process::start(scene.python("client", PATIENT, &[&web, &go_text]), &log("patient.log"));
        let mut ceaseless =
            Process::start(scene.python("client", CEASELESS, &[&web, &stop_text]), &log("ceaseless.log"));
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
        std::fs::write(&stop, "").unwrap();
        for process in [&mut patient, &mut ceaseless] {
            assert!(process.wait(Duration::from_secs(30)).is_some());
        }
        assert_eq!(patient.log(), "begun\nweb\n");
        assert_eq!(ceaseless.log(), "0\n", "connects by the programs of both agents");
    });
}

const MANY: &str = "import socket, sys
done = 0
for _ in range(int(sys.argv[2])):
    with socket.create_connection((sys.argv[1], 80), 5): done += 1
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
