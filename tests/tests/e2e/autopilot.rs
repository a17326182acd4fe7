//! The leader takes servers in and out as operators say.

use mesh_tests::cluster::TestCluster;
use mesh_tests::{Output, binary, eventually, peers, run, skip};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn command(program: &Path, cluster: &TestCluster, number: usize, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", cluster.servers[number].http_port));
    run(command.args(arguments))
}

fn peers_of(cluster: &TestCluster, number: usize) -> Vec<Value> {
    let peers = cluster.servers[number].request("GET", "/v1/status/peers", b"").json();
    peers.as_array().cloned().unwrap_or_default()
}

#[test]
fn its_configuration_is_shown_and_changed_through_any_agent() {
    let mut programs = vec![binary::mesh()];
    match peers::consul() {
        Ok(consul) => programs.push(consul),
        Err(reason) => skip("its_configuration_is_shown_and_changed_through_any_agent", reason),
    }
    let mut cluster = TestCluster::start(2);
    let client = cluster.add(&["-server=false"]);
    cluster.servers[client].wait_for_node("s0");
    for (program, logs) in programs.into_iter().zip(["77", "88"]) {
        let set = [
            "operator",
            "autopilot",
            "set-config",
            "-cleanup-dead-servers=false",
            "-max-trailing-logs",
            logs,
        ];
        assert_eq!(command(program, &cluster, client, &set).success().trim(), "Configuration updated!");
        let shown = command(program, &cluster, 1, &["operator", "autopilot", "get-config"]).success();
        for line in ["CleanupDeadServers = false", "LastContactThreshold = 200ms"] {
            assert!(shown.contains(line), "{shown}");
        }
        assert!(shown.contains(&format!("MaxTrailingLogs = {logs}")), "{shown}");
    }
    let path = "/v1/operator/autopilot/configuration";
    let config = cluster.servers[client].request("GET", path, b"").json();
    let index = config["ModifyIndex"].as_u64().unwrap();
    let put = |index: u64, body: Value| {
        let body = body.to_string();
        cluster.servers[client].request("PUT", &format!("{path}?cas={index}"), body.as_bytes()).body
    };
    assert_eq!(put(index - 1, config.clone()), "false", "somebody else was faster");
    assert_eq!(put(index, json!({"ServerStabilizationTime": "3s", "CleanupDeadServers": true})), "true");
    let config = cluster.servers[0].request("GET", path, b"").json();
    assert_eq!(config["ServerStabilizationTime"], "3s");
    assert_eq!(config["MaxTrailingLogs"], 250);
}

#[test]
fn the_leader_says_how_the_servers_are_and_cleans_up_when_it_may() {
    let mut cluster = TestCluster::start(3);
    let health = |cluster: &TestCluster, number: usize| {
        let found = cluster.servers[number].request("GET", "/v1/operator/autopilot/health", b"");
        (found.status, found.json())
    };
    let leader = cluster.wait_for_leader();
    let (victim, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let found = eventually("all servers are healthy", || {
        let (status, found) = health(&cluster, other);
        (status == 200 && found["FailureTolerance"] == 1).then_some(found)
    });
    let servers = found["Servers"].as_array().unwrap();
    assert_eq!(servers.len(), 3, "{found}");
    for server in servers {
        assert_eq!((&server["SerfStatus"], &server["Voter"]), (&json!("alive"), &json!(true)), "{server}");
        assert!(server["LastIndex"].as_u64().unwrap() > 0, "{server}");
    }
    let address = cluster.servers[victim].address();
    cluster.servers[victim].kill();
    eventually("one of them is not healthy", || {
        let (status, found) = health(&cluster, other);
        let servers = found["Servers"].as_array()?.clone();
        let dead = servers.into_iter().find(|server| server["Address"] == address.as_str())?;
        let is_told = dead["Healthy"] == false && dead["SerfStatus"] == "failed";
        (status == 429 && found["FailureTolerance"] == 0 && is_told).then_some(())
    });
    // Three were expected, so that a dead one keeps its vote until somebody says that two are enough.
    assert_eq!(peers_of(&cluster, other).len(), 3);
    cluster.servers[other].mesh(&["operator", "autopilot", "set-config", "-min-quorum=2"]).success();
    eventually("the dead server is taken out", || (peers_of(&cluster, other).len() == 2).then_some(()));
    eventually("the rest is healthy", || (health(&cluster, other).0 == 200).then_some(()));
}

#[test]
fn a_new_server_votes_after_the_time_that_is_configured() {
    let mut cluster = TestCluster::empty(1);
    cluster.add(&[r#"-hcl=autopilot { server_stabilization_time = "1s" }"#]);
    cluster.wait_for_leader();
    let number = cluster.add(&["-bootstrap-expect=2"]);
    cluster.servers[number].wait_for_node("s0");
    let config = cluster.servers[number].request("GET", "/v1/operator/autopilot/configuration", b"").json();
    assert_eq!(config["ServerStabilizationTime"], "1s", "{config}");
    eventually("the new server votes", || {
        let raft = cluster.servers[number].request("GET", "/v1/operator/raft/configuration", b"").json();
        let servers = raft["Servers"].as_array()?;
        (servers.len() == 2 && servers.iter().all(|server| server["Voter"] == true)).then_some(())
    });
}
