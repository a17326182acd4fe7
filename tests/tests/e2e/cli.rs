//! Our own command line against our own agent.

use mesh_tests::{TestAgent, binary, eventually, run};
use nix::sys::signal::Signal;
use serde_json::json;
use std::process::Command;
use std::time::Duration;

#[test]
fn services_are_registered_listed_and_deregistered() {
    let agent = TestAgent::start();
    let registered =
        agent.mesh(&["services", "register", "-name", "web", "-port", "8080", "--tag=v1"]).success();
    assert_eq!(registered, "Registered service: web\n");
    eventually("the catalog has it", || {
        let services = agent.mesh(&["catalog", "services", "-tags"]).success();
        services.lines().any(|line| line.split_whitespace().eq(["web", "v1"])).then_some(())
    });
    let nodes = agent.mesh(&["catalog", "nodes", "-service=web"]).success();
    assert!(nodes.contains("test-node"), "{nodes}");
    let none = agent.mesh(&["catalog", "nodes", "-service=nobody"]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(0), ""));
    assert_eq!(none.stderr, "No nodes match the given query - try expanding your search.\n");
    agent.mesh(&["services", "deregister", "-id=web"]).success();
}

#[test]
fn intentions_are_created_checked_and_deleted() {
    let agent = TestAgent::start();
    let created = agent.mesh(&["intention", "create", "-allow", "web", "db"]).success();
    assert_eq!(created, "Created: web => db (allow)\n");
    assert!(agent.mesh(&["intention", "list"]).success().contains("web     allow   db"));
    assert_eq!(agent.mesh(&["intention", "check", "web", "db"]).success(), "Allowed\n");
    agent.mesh(&["intention", "delete", "web", "db"]).success();
    assert_eq!(agent.mesh(&["intention", "get", "web", "db"]).status, Some(1));
}

#[test]
fn the_log_is_followed_until_the_agent_ends() {
    let mut agent = TestAgent::start();
    let mut monitor = agent.start_client(binary::mesh(), &["monitor", "-log-level=debug"], "monitor.log");
    eventually("a refused registration is in the log that it shows", || {
        agent.put("/v1/agent/service/register", &json!({"Name": "bad name"}));
        monitor.log().contains("bad name").then_some(())
    });
    agent.signal(Signal::SIGTERM);
    agent.wait(Duration::from_secs(30)).expect("the agent ends");
    let status = monitor.wait(Duration::from_secs(30)).expect("the follower ends with it");
    assert_eq!(status.code(), Some(1));
    assert!(
        monitor.log().ends_with("The agent closed the log: it has probably stopped\n"),
        "{}",
        monitor.log()
    );
}

#[test]
fn a_service_under_maintenance_is_not_found() {
    let agent = TestAgent::start();
    agent.mesh(&["services", "register", "-name=web", "-port=1"]).success();
    agent.wait_for_passing("web", 1);
    agent.mesh(&["maint", "-enable", "-service=web", "-reason=moving"]).success();
    agent.wait_for_passing("web", 0);
    assert!(agent.mesh(&["maint"]).success().contains("Reason: moving"));
    agent.mesh(&["maint", "-disable", "-service=web"]).success();
    agent.wait_for_passing("web", 1);
}

#[test]
fn an_agent_that_is_not_there_is_one_helpful_line() {
    let output = run(Command::new(binary::mesh()).args(["members", "-http-addr=127.0.0.1:1"]));
    assert_eq!(output.status, Some(1));
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    assert!(
        output.stderr.contains("127.0.0.1:1") && output.stderr.contains("-http-addr"),
        "{}",
        output.stderr
    );
}

#[test]
fn under_the_name_consul_it_prints_the_version_that_harnesses_parse() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("consul");
    std::os::unix::fs::symlink(binary::mesh(), &link).unwrap();
    assert!(run(Command::new(&link).arg("version")).success().starts_with("Consul v1.8.7\n"));
    assert!(run(Command::new(binary::mesh()).arg("version")).success().starts_with("Mesh v"));
}

#[test]
fn info_and_the_certificate_authority_are_shown() {
    let agent = TestAgent::start();
    assert!(agent.mesh(&["info"]).success().contains("raft:\n"));
    assert!(
        agent.mesh(&["connect", "ca", "get-config"]).success().starts_with("{\n\t\"Provider\": \"consul\"")
    );
}
