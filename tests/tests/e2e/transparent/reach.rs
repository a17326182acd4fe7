//! Who reaches whom, and how.

use super::{curl, eventually_reached, mesh, transparently, transparently_by_tcp_and_past_it};
use mesh_tests::wait::here;
use mesh_tests::{eventually, run};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn unmodified_programs_reach_services_here_and_through_the_agent_until_they_are_denied() {
    transparently_by_tcp_and_past_it("reach", |scene| {
        eventually_reached(scene, "web");
        eventually_reached(scene, "far");
        eventually("web is reached straight", || {
            eventually_reached(scene, "web"); // Through the agent, until its health is known.
            (scene.counter("local") > 0).then_some(())
        });
        scene.eventually_counted("redirected");
        let url = format!("http://{}/", scene.virtual_ip("far"));
        let script = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5 * second).read().decode())";
        assert_eq!(run(&mut scene.python("client", script, &[&url])).success().trim(), "far");
        let stranger = run(&mut curl(&url));
        assert_eq!(stranger.status, Some(7), "a process of no service is refused: {stranger:?}");

        run(&mut mesh(&["intention", "create", "-deny", "client", "*"])).success();
        for service in ["web", "far"] {
            let before = Instant::now();
            eventually("it is denied", || (scene.curl(service).status == Some(7)).then_some(()));
            assert!(before.elapsed() < here(Duration::from_secs(3)), "{:?}", before.elapsed());
        }
        let served = scene.web.connections();
        assert_eq!(scene.curl("web").status, Some(7));
        assert_eq!(scene.web.connections(), served, "a denied connect reaches nobody");
        scene.eventually_counted("denied");
    });
}

#[test]
fn dialling_the_transparent_listener_borrows_no_identity() {
    transparently("stranger", |scene| {
        eventually_reached(&scene, "far");
        let listeners = run(Command::new("ss").args(["-Hltn", "src", "127.0.0.1"])).success();
        let known = [8081, 8082, 8500, 8600, 9443, 21_000];
        let ports = listeners.lines().filter_map(|line| {
            let local = line.split_whitespace().nth(3)?;
            local.rsplit(':').next()?.parse::<u16>().ok()
        });
        let leg: Vec<u16> = ports.filter(|port| !known.contains(port)).collect();
        assert!(!leg.is_empty(), "{listeners}");
        for port in leg {
            let url = format!("http://127.0.0.1:{port}/");
            let fetched = run(&mut scene.cgroups.enter("client", curl(&url)));
            assert_ne!(fetched.status, Some(0), "{url}");
        }
        eventually("it is told of", || scene.agent.log().contains("nobody was sent here").then_some(()));
    });
}
