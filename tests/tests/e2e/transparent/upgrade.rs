//! Other programs take the place of those that are loaded, while traffic runs.

use super::life::{Ceaseless, PATIENT};
use super::{Scene, eventually_reached, mesh_denies, with_a_memory};
use mesh_tests::wait::here;
use mesh_tests::{Process, eventually, run, skip};
use nix::sys::signal::Signal;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// `if port != 53`, as the kernel's machine has it: an opcode, registers and an offset, then the number, whose bytes
/// are those of a port in network order.
const UNLESS_53: (u8, [u8; 4]) = (0x55, [0, 53, 0, 0]);
const PORT_5353: [u8; 4] = [0x14, 0xe9, 0, 0];

fn own_programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mesh-ebpf/prebuilt/mesh.bpfel.o")
}

/// The agent's own programs but for one thing: they take port 5353 for the one where names are asked for.
fn other_programs() -> std::io::Result<Vec<u8>> {
    let mut object = std::fs::read(own_programs())?;
    let mut changed = 0;
    for instruction in object.chunks_exact_mut(8) {
        if instruction[0] == UNLESS_53.0 && instruction[4..] == UNLESS_53.1 {
            instruction[4..].copy_from_slice(&PORT_5353);
            changed += 1;
        }
    }
    assert!(
        changed >= 4,
        "they look for it when they connect and when they send, by either family: {changed}"
    );
    Ok(object)
}

/// A file of other programs, once web is reached straight by the agent's own; nothing, said loudly, without them.
fn with_other_programs(scene: &Scene, test: &str) -> Option<PathBuf> {
    let Ok(programs) = other_programs() else {
        skip(test, "the object of the kernel programs is not beside this test");
        return None;
    };
    let other = scene.directory.path().join("other.o");
    std::fs::write(&other, programs).unwrap();
    eventually("web is reached straight", || {
        eventually_reached(scene, "web");
        (scene.counter("local") > 0).then_some(())
    });
    Some(other)
}

/// Whom a question at that port of a resolver that does not exist finds.
const ASK_AT: &str = "import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(second)
q = struct.pack('>HHHHHH', 7, 256, 1, 0, 0, 0)
q += b''.join(bytes([len(l)]) + l.encode() for l in 'web.virtual.consul'.split('.')) + b'\\0\\0\\1\\0\\1'
s.sendto(q, ('127.0.0.53', int(sys.argv[1])))
try: print(socket.inet_ntoa(s.recv(4096)[-4:]))
except OSError: print('nobody')";

fn ask_at(scene: &Scene, port: &str) -> String {
    run(&mut scene.python("client", ASK_AT, &[port])).success().trim().to_owned()
}

/// What is kept in the kernel's own file system, by name.
fn pins(scene: &Scene) -> Vec<PathBuf> {
    let list = |folder: PathBuf| std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let folders = list(scene.cgroups.pins.clone()).filter(|path| path.is_dir());
    let mut found: Vec<_> = folders.flat_map(list).collect();
    found.sort();
    found
}

/// The agent ends by that signal, and the next one has the programs of that file.
fn put_in_place(scene: &mut Scene, object: &Path, signal: Signal) {
    scene.agent.signal(signal);
    assert!(scene.agent.wait(Duration::from_secs(30)).is_some(), "the agent does not end");
    scene.configure("dataplane_object", json!(object));
    scene.restart();
}

#[test]
fn connections_survive_other_programs_which_decide_about_new_ones() {
    with_a_memory("upgrade", |mut scene| {
        let Some(object) = with_other_programs(&scene, "upgrade") else { return };
        let web = scene.virtual_ip("web").to_string();
        eventually("names are asked for at port 53", || (ask_at(&scene, "53") == web).then_some(()));
        assert_eq!(ask_at(&scene, "5353"), "nobody");

        let go = scene.directory.path().join("go");
        let command = scene.python("client", PATIENT, &[&web, &go.to_string_lossy()]);
        let mut patient = Process::start(command, &scene.directory.path().join("patient.log"));
        let mut held = scene.hold("client", "web");
        eventually("it has begun", || patient.log().contains("begun").then_some(()));
        let before = pins(&scene);
        put_in_place(&mut scene, &object, Signal::SIGTERM);

        eventually("names are asked for at port 5353", || (ask_at(&scene, "5353") == web).then_some(()));
        assert_eq!(ask_at(&scene, "53"), "nobody");
        eventually_reached(&scene, "far");
        std::fs::write(&go, "").unwrap();
        assert!(patient.wait(Duration::from_secs(30)).is_some());
        assert_eq!(patient.log(), "begun\nweb\n");
        assert_eq!(pins(&scene), before, "nothing of the others is left, and nothing is missing");
        assert!(held.is_open());
        mesh_denies("client", "web");
        eventually("what the others let through is cut", || (!held.is_open()).then_some(()));
    });
}

#[test]
fn no_connect_fails_for_programs_that_take_the_place_of_others() {
    with_a_memory("exchange", |mut scene| {
        let Some(other) = with_other_programs(&scene, "exchange") else { return };
        eventually_reached(&scene, "far");
        for (object, signal) in [(&other, Signal::SIGTERM), (&own_programs(), Signal::SIGKILL)] {
            let (straight, through) = (Ceaseless::begin(&scene, "web"), Ceaseless::begin(&scene, "far"));
            let gone = SystemTime::now();
            put_in_place(&mut scene, object, signal);
            eventually_reached(&scene, "far");
            let back = SystemTime::now();
            // What was wrong until a moment ago would be seen in what comes now.
            straight.goes_on();
            through.goes_on();
            let failures = straight.end();
            assert!(
                failures.is_empty(),
                "{signal}: straight to the server, with any agent or none: {failures:?}"
            );
            // Whose bytes the agent moves fails while there is none: not before, not after, and not for long.
            let failures = through.end();
            let absent = |failure: &SystemTime| (gone..=back).contains(failure);
            assert!(failures.iter().all(absent), "{signal}: not in {gone:?} to {back:?}: {failures:?}");
            assert!(
                back.duration_since(gone).unwrap() < here(Duration::from_secs(20)),
                "{signal}: the next one is late"
            );
        }
    });
}
