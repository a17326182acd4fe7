//! Agents find out how far from each other they are.

use mesh_tests::cluster::TestCluster;
use mesh_tests::{binary, eventually, peers, run, skip};
use serde_json::{Value, json};
use std::process::Command;

/// Where all nodes stand, as an agent shows it, once all of them have measured something.
fn measured(cluster: &TestCluster, number: usize, nodes: usize) -> Vec<Value> {
    eventually("all nodes have a place", || {
        let response = cluster.servers[number].try_request("GET", "/v1/coordinate/nodes", b"")?;
        let shown = (response.status == 200).then(|| response.json())?.as_array()?.clone();
        let moved = |node: &&Value| node["Coord"]["Error"].as_f64().is_some_and(|error| error < 1.5);
        (shown.iter().filter(moved).count() == nodes).then_some(shown)
    })
}

#[test]
fn round_trips_become_places_that_every_agent_shows() {
    let mut programs = vec![binary::mesh()];
    match peers::consul() {
        Ok(consul) => programs.push(consul),
        Err(reason) => skip("round_trips_become_places_that_every_agent_shows", reason),
    }
    let mut cluster = TestCluster::start(2);
    let client = cluster.add(&["-server=false"]);
    let shown = measured(&cluster, client, 3);
    assert_eq!(shown[2]["Node"], "s2", "{shown:?}");
    assert_eq!(shown[2]["Coord"]["Vec"].as_array().unwrap().len(), 8);
    let one = cluster.servers[client].request("GET", "/v1/coordinate/node/S1", b"").json();
    assert_eq!(one[0]["Node"], "s1", "{one}");
    assert_eq!(cluster.servers[0].request("GET", "/v1/coordinate/node/nobody", b"").status, 404);
    for program in programs {
        let rtt = |arguments: &[&str]| {
            let mut command = Command::new(program);
            command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", cluster.servers[client].http_port));
            run(command.arg("rtt").args(arguments))
        };
        for (arguments, start) in
            [(&["s0", "s1"][..], "Estimated s0 <-> s1 rtt: "), (&["s0"], "Estimated s0 <-> s2 rtt: ")]
        {
            let told = rtt(arguments).success();
            let millis = told
                .trim()
                .strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(" ms (using LAN coordinates)"));
            let millis: f64 = millis.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
            assert!(millis > 0.0 && millis < 100.0, "loopback is near: {told}");
        }
        assert_eq!(rtt(&["s0", "nobody"]).status, Some(1));
    }
}

#[test]
fn lists_are_sorted_by_distance_from_a_node_or_from_the_agent_that_was_asked() {
    let mut cluster = TestCluster::start(1);
    let client = cluster.add(&["-server=false"]);
    cluster.servers[client].wait_for_node("s0");
    // Nodes without an agent stand where they are said to.
    let place =
        |seconds: f64| json!({"Vec": [seconds, 0, 0, 0, 0, 0, 0, 0], "Error": 0.1, "Height": 0.00001});
    for (node, at) in [("far", 0.9), ("near", 0.5), ("middle", 0.7)] {
        let service = json!({"Node": node, "Address": "10.9.9.9", "Service": {"Service": "web", "Port": 80}});
        let registered =
            cluster.servers[0].request("PUT", "/v1/catalog/register", service.to_string().as_bytes());
        assert_eq!(registered.status, 200, "{}", registered.body);
        let update = json!({"Node": node, "Segment": "", "Coord": place(at)}).to_string();
        let updated = cluster.servers[client].request("PUT", "/v1/coordinate/update", update.as_bytes());
        assert_eq!(updated.status, 200, "{}", updated.body);
    }
    let sorted = |target: &str, name: &str| -> Vec<String> {
        let shown = cluster.servers[client].request("GET", target, b"").json();
        let nodes = shown.as_array().unwrap_or_else(|| panic!("{target}: {shown}")).clone();
        nodes.iter().map(|node| node.pointer(name).unwrap().as_str().unwrap().to_owned()).collect()
    };
    for (target, name) in
        [("/v1/catalog/service/web?near=far", "/Node"), ("/v1/health/service/web?near=far", "/Node/Node")]
    {
        assert_eq!(sorted(target, name), ["far", "middle", "near"], "{target}");
    }
    assert_eq!(sorted("/v1/health/service/web?near=near", "/Node/Node"), ["near", "middle", "far"]);
    assert_eq!(
        sorted("/v1/catalog/nodes?near=_agent", "/Node")[0],
        "s1",
        "the agent that was asked, not the server"
    );
    let bad = json!({"Node": "far", "Coord": {"Vec": [1.0]}}).to_string();
    assert_eq!(cluster.servers[0].request("PUT", "/v1/coordinate/update", bad.as_bytes()).status, 400);
}
