//! A primary datacenter, whose intentions and certificate authority count in all.

use super::federated;
use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::wait::eventually;
use mesh_tests::{DemoService, PortBlock};
use serde_json::{Value, json};

const PRIMARY: &str = "-hcl=primary_datacenter = \"dc1\"";

fn get(server: &TestServer, target: &str) -> Value {
    let answer = server.request("GET", target, b"");
    assert_eq!(answer.status, 200, "{target}: {}", answer.body);
    answer.json()
}

/// Source, destination, action and id of each.
fn intentions(server: &TestServer) -> Vec<[String; 4]> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let listed = get(server, "/v1/connect/intentions");
    let rows = listed.as_array().into_iter().flatten();
    let mut rows: Vec<[String; 4]> =
        rows.map(|row| ["SourceName", "DestinationName", "Action", "ID"].map(|key| text(row, key))).collect();
    rows.sort();
    rows
}

#[test]
fn intentions_of_the_primary_count_everywhere_and_are_written_there() {
    let (one, two) = federated(1, 1, &[PRIMARY]);
    let (first, second) = (&one.servers[0], &two.servers[0]);
    let same = |what: &str, count: usize| {
        eventually(what, || {
            let (theirs, own) = (intentions(first), intentions(second));
            (own.len() == count && own == theirs).then_some(())
        });
    };
    first.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    same("what was written in the primary comes", 1);
    second.mesh(&["intention", "create", "-allow", "api", "db"]).success();
    assert_eq!(intentions(first).len(), 2, "a write elsewhere is the primary's");
    same("what was written in the secondary comes back", 2);
    let named = second.mesh(&["intention", "create", "-replace", "-allow", "web", "db"]);
    assert_eq!(named.status, Some(0), "{}", named.stderr);
    same("a change comes", 2);
    assert_eq!(intentions(second)[1][2], "allow");
    first.mesh(&["intention", "delete", "web", "db"]).success();
    same("what is deleted goes", 1);
    // What counts is what the primary says, also where the request names another datacenter.
    let body = json!({"SourceName": "x", "DestinationName": "y", "Action": "deny"}).to_string();
    let created = first.request("POST", "/v1/connect/intentions?dc=dc2", body.as_bytes());
    assert_eq!(created.status, 200, "{}", created.body);
    same("a write for the secondary is one for all", 2);
}

/// The ids of the roots, the one that signs first.
fn roots(server: &TestServer) -> Vec<String> {
    let listed = get(server, "/v1/connect/ca/roots");
    let mut roots = listed["Roots"].as_array().cloned().unwrap_or_default();
    roots.sort_by_key(|root| root["Active"] != true);
    roots.iter().map(|root| root["ID"].as_str().unwrap().to_owned()).collect()
}

fn register(server: &TestServer, definition: &Value) {
    let body = definition.to_string();
    let answer = server.request("PUT", "/v1/agent/service/register", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// `db` in the second datacenter, and `web` in the first with a port that leads there.
fn services(one: &TestCluster, two: &TestCluster, ports: &PortBlock, app: u16) -> u16 {
    let upstream = ports.take();
    register(
        &two.servers[0],
        &json!({"Name": "db", "Port": app, "Connect": {"SidecarService": {"Port": ports.take()}}}),
    );
    let to_db = json!({"DestinationName": "db", "Datacenter": "dc2", "LocalBindPort": upstream});
    register(
        &one.servers[0],
        &json!({"Name": "web", "Port": ports.take(), "Connect": {"SidecarService":
            {"Port": ports.take(), "Proxy": {"Upstreams": [to_db]}}}}),
    );
    upstream
}

#[test]
fn services_of_two_datacenters_connect_under_the_primarys_root_as_intentions_say() {
    let ports = PortBlock::claim();
    let (one, two) = federated(1, 1, &[PRIMARY]);
    let (first, second) = (&one.servers[0], &two.servers[0]);
    let root = eventually("the primary has a root", || roots(first).pop());
    eventually("the second datacenter has it too", || (roots(second) == [root.clone()]).then_some(()));
    let leaf = eventually("the second datacenter signs", || {
        let answer = second.try_request("GET", "/v1/agent/connect/ca/leaf/db", b"")?;
        (answer.status == 200).then(|| answer.json())
    });
    assert!(leaf["ServiceURI"].as_str().unwrap().ends_with("/dc/dc2/svc/db"), "{leaf}");
    let chain = leaf["CertPEM"].as_str().unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2, "the leaf, and the datacenter's own authority");

    let db = DemoService::start(ports.take(), "far away");
    let upstream = services(&one, &two, &ports, db.port());
    mesh_tests::agent::wait_for_text(upstream, "far away");
    // Whoever is denied is denied in every datacenter, under his name.
    first.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    mesh_tests::agent::wait_for_refusal(upstream);
    second.mesh(&["intention", "delete", "web", "db"]).success();
    mesh_tests::agent::wait_for_text(upstream, "far away");

    // A new root of the primary, asked for in the second datacenter.
    let body = json!({"Provider": "consul", "Config": {"PrivateKeyType": "ec", "PrivateKeyBits": 384}});
    let rotated = second.request("PUT", "/v1/connect/ca/configuration", body.to_string().as_bytes());
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let now = roots(first);
    assert!(now.len() == 2 && now[0] != root && now[1] == root, "{now:?}");
    eventually("the second datacenter follows", || (roots(second) == now).then_some(()));
    mesh_tests::agent::wait_for_text(upstream, "far away");
    eventually("its leaf is under the new root", || {
        let answer = second.try_request("GET", "/v1/agent/connect/ca/leaf/db", b"")?;
        (answer.json()["CertPEM"] != leaf["CertPEM"]).then_some(())
    });
    mesh_tests::agent::wait_for_text(upstream, "far away");
}
