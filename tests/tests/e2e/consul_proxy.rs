//! Consul's built-in proxy and ours talk to each other, in both roles.

use mesh_tests::agent::{wait_for_refusal, wait_for_text};
use mesh_tests::{DemoService, PortBlock, Process, TestAgent, binary, peers, skip};
use serde_json::json;
use std::path::Path;

/// `web` reaches `db` through two sidecars, each run by the program given for it.
fn reach(inbound: &Path, outbound: &Path) {
    let ports = PortBlock::claim();
    let (db, local) = (DemoService::start(ports.take(), "from db"), ports.take());
    let agent = TestAgent::start();
    let external = json!({"external": true});
    agent.register(&json!({"Name": "db", "Port": db.port(), "Connect": {"SidecarService": {
        "Proxy": {"Config": external}}}}));
    agent.register(&json!({"Name": "web", "Port": ports.take(), "Connect": {"SidecarService": {
        "Proxy": {"Config": external, "Upstreams": [{"DestinationName": "db", "LocalBindPort": local}]}}}}));
    let _inbound = sidecar(&agent, inbound, "db");
    let _outbound = sidecar(&agent, outbound, "web");

    wait_for_text(local, "from db");
    let before = db.connections();
    agent.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    wait_for_refusal(local);
    assert!(db.connections() >= before);
    agent.mesh(&["intention", "delete", "web", "db"]).success();
    wait_for_text(local, "from db");
}

fn sidecar(agent: &TestAgent, program: &Path, service: &str) -> Process {
    agent.start_client(
        program,
        &["connect", "proxy", "-sidecar-for", service],
        &format!("{service}-proxy.log"),
    )
}

#[test]
fn consuls_proxy_takes_what_ours_sends() {
    match peers::consul() {
        Ok(consul) => reach(consul, binary::mesh()),
        Err(reason) => skip("consuls_proxy_takes_what_ours_sends", reason),
    }
}

#[test]
fn our_proxy_takes_what_consuls_sends() {
    match peers::consul() {
        Ok(consul) => reach(binary::mesh(), consul),
        Err(reason) => skip("our_proxy_takes_what_consuls_sends", reason),
    }
}

#[test]
fn our_proxies_talk_to_each_other_outside_the_agent() {
    reach(binary::mesh(), binary::mesh());
}

#[test]
fn consuls_proxy_reaches_a_sidecar_that_the_agent_runs() {
    let consul = match peers::consul() {
        Ok(consul) => consul,
        Err(reason) => return skip("consuls_proxy_reaches_a_sidecar_that_the_agent_runs", reason),
    };
    let ports = PortBlock::claim();
    let (db, local) = (DemoService::start(ports.take(), "from db"), ports.take());
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "db", "Port": db.port(), "Connect": {"SidecarService": {}}}));
    let upstream = format!("db:{local}");
    let _proxy =
        agent.start_client(consul, &["connect", "proxy", "-service", "web", "-upstream", &upstream], "p.log");
    wait_for_text(local, "from db");
}
