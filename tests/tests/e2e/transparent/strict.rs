//! A service that takes what comes through the mesh, and nothing else.

use super::{Scene, curl, mesh, transparently_with};
use mesh_tests::{Process, eventually, run};
use serde_json::json;
use std::process::Command;

const OWN: &str = "http://127.0.0.1:8084/";

/// Its server, as a process in a cgroup of its own.
fn server(scene: &Scene) -> Process {
    let folder = scene.directory.path().join("vault");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "secret").unwrap();
    let mut command = Command::new("python3");
    command.args(["-m", "http.server", "8084", "--bind", "127.0.0.1", "--directory"]).arg(folder);
    Process::start(scene.cgroups.enter("vault", command), &scene.directory.path().join("vault.log"))
}

/// From a service whose proxy somebody else runs, so that the agent brings the connection to the server.
fn upstream(scene: &Scene) -> Process {
    let mut command = mesh(&["connect", "proxy", "-service=friend", "-upstream=vault:9191"]);
    command.args(["-listen=127.0.0.1:9444", "-service-addr=127.0.0.1:1"]);
    Process::start(scene.cgroups.enter("agent", command), &scene.directory.path().join("upstream.log"))
}

#[test]
fn a_strict_service_is_reached_through_the_mesh_alone() {
    let setting = |cgroups: &super::Cgroups, config: &mut serde_json::Value| {
        let meta =
            json!({"mesh-workload": format!("cgroup:{}", cgroups.path("vault")), "mesh-strict": "true"});
        let checks = json!([
            {"http": OWN, "interval": "1s"},
            {"args": ["curl", "-sSf", OWN], "interval": "1s"},
        ]);
        config["services"].as_array_mut().unwrap().push(json!({
            "name": "vault", "port": 8084, "meta": meta, "checks": checks,
            "connect": {"sidecar_service": {}},
        }));
    };
    transparently_with("strict", setting, |scene| {
        let (_server, _upstream) = (server(&scene), upstream(&scene));
        eventually("the checks pass, and the service is reached", || {
            (scene.curl("vault").stdout == "secret").then_some(())
        });
        eventually("it is reached straight", || {
            assert_eq!(scene.curl("vault").stdout, "secret");
            (scene.counter("local") > 0).then_some(())
        });
        eventually("it is reached through the agent", || {
            (scene.fetch("friend", "http://127.0.0.1:9191/").stdout == "secret").then_some(())
        });
        let before = scene.counter("strict_refused");
        for below in ["client", "friend"] {
            assert_eq!(scene.fetch(below, OWN).status, Some(7), "{below} goes around the mesh");
        }
        let stranger = run(&mut curl(OWN));
        assert!([Some(7), Some(28)].contains(&stranger.status), "{stranger:?}");
        assert_eq!(scene.fetch("vault", OWN).stdout, "secret", "the service reaches itself");
        eventually("they are counted", || (scene.counter("strict_refused") >= before + 2).then_some(()));
        assert!(scene.fact("strict.vault").starts_with("guarded"));
        eventually("its checks go on passing", || {
            let found = run(&mut mesh(&["catalog", "services"])).success();
            found.contains("vault").then_some(())
        });
    });
}
