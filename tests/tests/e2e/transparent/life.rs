//! Agents that end.

use super::{eventually_reached, transparently};
use mesh_tests::run;
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
