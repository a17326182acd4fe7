//! What one agent is told, all hear that it concerns.

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::{Process, binary, eventually, peers, run, skip};
use serde_json::json;
use std::process::Command;

/// Names and payloads of what it has heard.
fn heard(server: &TestServer) -> Vec<(String, String)> {
    let events = server.request("GET", "/v1/event/list", b"").json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    events.as_array().unwrap().iter().map(|event| (text(&event["Name"]), text(&event["Payload"]))).collect()
}

#[track_caller]
fn wait_to_hear(server: &TestServer, name: &str) {
    eventually(&format!("{} hears {name}", server.name), || {
        heard(server).iter().any(|(heard, _)| heard == name).then_some(())
    });
}

/// Two servers that see each other, and a client agent; the second server has a service.
fn cluster() -> TestCluster {
    let mut cluster = TestCluster::start(2);
    let client = cluster.add(&["-server=false"]);
    let service = json!({"Name": "web", "Tags": ["v1"]}).to_string();
    let registered = cluster.servers[1].request("PUT", "/v1/agent/service/register", service.as_bytes());
    assert_eq!(registered.status, 200, "{}", registered.body);
    for server in &cluster.servers {
        eventually(&format!("{} sees all three", server.name), || {
            let members = server.try_request("GET", "/v1/agent/members", b"")?.json();
            (members.as_array()?.len() == 3).then_some(())
        });
    }
    assert_eq!(client, 2);
    cluster
}

#[test]
fn an_event_reaches_every_agent_and_filters_say_whom_it_concerns() {
    let cluster = cluster();
    let [first, second, client] = [0, 1, 2].map(|at| &cluster.servers[at]);
    client.mesh(&["event", "-name=by-node", "-node=^s1$", "for s1"]).success();
    client.mesh(&["event", "-name=by-service", "-service=web", "-tag=v1"]).success();
    client.mesh(&["event", "-name=by-tag", "-service=web", "-tag=v2"]).success();
    client.mesh(&["event", "-name=to-all", "1.2"]).success();
    for server in [first, second, client] {
        wait_to_hear(server, "to-all");
    }
    for name in ["by-node", "by-service"] {
        wait_to_hear(second, name);
    }
    assert_eq!(heard(first), [("to-all".to_owned(), "MS4y".to_owned())]);
    assert_eq!(heard(client), heard(first));
    let names: Vec<_> = heard(second).into_iter().map(|(name, _)| name).collect();
    assert!(!names.contains(&"by-tag".to_owned()), "{names:?}");
    let large = first.mesh(&["event", "-name=large", &"x".repeat(511)]);
    assert!(large.stderr.contains("too large, want at most"), "{}", large.stderr);
}

#[test]
fn a_watch_hears_what_is_fired_elsewhere() {
    let cluster = cluster();
    let mut programs = vec![binary::mesh()];
    match peers::consul() {
        Ok(consul) => programs.push(consul),
        Err(reason) => skip("a_watch_hears_what_is_fired_elsewhere", reason),
    }
    for program in programs {
        let client = |number: usize, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.env("CONSUL_HTTP_ADDR", format!("127.0.0.1:{}", cluster.servers[number].http_port));
            command.args(arguments);
            command
        };
        let directory = tempfile::tempdir().unwrap();
        let seen = directory.path().join("seen");
        let script = format!("cat >> {}", seen.display());
        let watch = client(2, &["watch", "-type=event", "-name=deploy", &script]);
        let _watch = Process::start(watch, &directory.path().join("watch.log"));
        // Whichever of them the watch is in time for.
        eventually("the watch runs its handler", || {
            run(&mut client(0, &["event", "-name=deploy", "1.2"])).success();
            std::fs::read_to_string(&seen).ok().filter(|text| text.contains("\"deploy\""))
        });
    }
}
