//! What `mesh run` starts.

use super::{Scene, mesh, transparently_with};
use mesh_tests::wait::here;
use mesh_tests::{Output, eventually, run};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;

fn started(service: &str, program: &[&str]) -> Output {
    run(mesh(&["run", &format!("-service={service}"), "--"]).args(program))
}

/// What a program finds that connects at once, and only once.
fn fetched(scene: &Scene) -> Output {
    let patience = here(Duration::from_secs(5)).as_secs().to_string();
    let url = format!("http://{}/", scene.virtual_ip("web"));
    started("runner", &["curl", "-sS", "--max-time", &patience, &url])
}

#[test]
fn a_program_that_mesh_run_starts_reaches_services_from_its_first_connect_on() {
    let setting = |cgroups: &super::Cgroups, config: &mut Value| {
        let below = cgroups.top.with_file_name("mesh-run");
        std::fs::create_dir_all(&below).unwrap();
        config["dataplane_cgroup"] = json!(below);
        config["services"].as_array_mut().unwrap().push(json!({"name": "runner"}));
    };
    transparently_with("started", setting, |mut scene| {
        eventually("web is reached", || (fetched(&scene).stdout == "web").then_some(()));
        for round in 1..=10 {
            let found = fetched(&scene);
            assert_eq!((found.stdout.as_str(), found.stderr.as_str()), ("web", ""), "round {round}");
        }
        let stranger = started("nobody", &["echo", "begun"]);
        assert_eq!(stranger.stdout, "begun\n");
        assert!(stranger.stderr.contains("Service nobody is not registered"), "{stranger:?}");
        scene.agent.signal(Signal::SIGTERM);
        assert!(scene.agent.wait(Duration::from_secs(30)).is_some(), "the agent does not end");
        let alone = started("runner", &["echo", "begun"]);
        assert_eq!(alone.stdout, "begun\n");
        assert!(alone.stderr.contains("The agent does not answer"), "{alone:?}");
    });
}
