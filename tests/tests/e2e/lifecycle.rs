//! Starting, reloading, stopping, and starting again.

use mesh_tests::{AgentOptions, TestAgent, eventually};
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;

fn persistent() -> TestAgent {
    TestAgent::with(AgentOptions { persistent: true, ..AgentOptions::default() })
}

#[test]
fn sighup_reads_services_again() {
    let agent = TestAgent::with_config(json!({"service": {"name": "old", "port": 1}}));
    agent.wait_for_passing("old", 1);
    agent.write_config("10-test.json", &json!({"service": {"name": "new", "port": 2}}));
    agent.signal(Signal::SIGHUP);
    agent.wait_for_passing("new", 1);
    agent.wait_for_passing("old", 0);
}

#[test]
fn a_reload_of_bad_configuration_changes_nothing() {
    let agent = TestAgent::with_config(json!({"service": {"name": "old", "port": 1}}));
    agent.wait_for_passing("old", 1);
    agent.write_config("10-test.json", &json!({"bogus": 1}));
    let output = agent.mesh(&["reload"]);
    assert_eq!(output.status, Some(1), "{}", output.stdout);
    assert!(output.stderr.contains("bogus"), "{}", output.stderr);
    agent.wait_for_passing("old", 1);
}

#[test]
fn sigterm_leaves_gracefully() {
    let mut agent = TestAgent::start();
    agent.signal(Signal::SIGTERM);
    let status = agent.wait(Duration::from_secs(30)).expect("the agent ends");
    assert!(status.success(), "{status:?}");
}

#[test]
fn sigterm_ends_an_agent_whose_parent_had_blocked_it() {
    let blocked = Some(Signal::SIGTERM);
    let mut agent = TestAgent::with(AgentOptions { blocked, ..AgentOptions::default() });
    agent.signal(Signal::SIGTERM);
    let status = agent.wait(Duration::from_secs(30)).expect("the agent ends");
    assert!(status.success(), "{status:?}");
}

#[test]
fn the_leave_command_ends_the_agent() {
    let mut agent = TestAgent::start();
    assert_eq!(agent.mesh(&["leave"]).success(), "Graceful leave complete\n");
    let status = agent.wait(Duration::from_secs(30)).expect("the agent ends");
    assert!(status.success(), "{status:?}");
}

#[test]
fn what_was_committed_survives_a_power_cut() {
    let mut agent = persistent();
    agent.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    agent.register(&json!({"Name": "web", "Port": 8080}));
    agent.wait_for_passing("web", 1);
    let root = active_root(&agent);
    let serial = agent.get_json("/v1/agent/connect/ca/leaf/web")["SerialNumber"].clone();

    agent.kill();
    agent.launch();

    assert_eq!(agent.mesh(&["intention", "check", "web", "db"]).stdout, "Denied\n");
    agent.wait_for_passing("web", 1);
    assert_eq!(active_root(&agent), root);
    let again = agent.get_json("/v1/agent/connect/ca/leaf/web")["SerialNumber"].clone();
    assert_eq!(again, serial, "a leaf that is still valid is not made anew");
}

fn active_root(agent: &TestAgent) -> String {
    let roots = eventually("there is a root", || {
        let roots = agent.try_get("/v1/connect/ca/roots").filter(|response| response.status == 200)?.json();
        roots["ActiveRootID"].as_str().filter(|id| !id.is_empty()).map(str::to_owned)
    });
    assert!(!roots.is_empty());
    roots
}

#[test]
fn a_deregistered_service_does_not_come_back() {
    let mut agent = persistent();
    for name in ["stays", "goes"] {
        agent.register(&json!({"Name": name, "Port": 1}));
        agent.wait_for_passing(name, 1);
    }
    agent.mesh(&["services", "deregister", "-id=goes"]).success();
    agent.wait_for_passing("goes", 0);
    agent.kill();
    agent.launch();
    agent.wait_for_passing("stays", 1);
    agent.wait_for_passing("goes", 0);
}

#[test]
fn a_pid_file_names_the_process_and_goes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mesh.pid");
    let flags = vec![format!("-pid-file={}", path.display())];
    let mut agent = TestAgent::with(AgentOptions { flags, ..AgentOptions::default() });
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), agent.pid().to_string());
    agent.signal(Signal::SIGTERM);
    agent.wait(Duration::from_secs(30)).expect("the agent ends");
    assert!(!path.exists());
}
