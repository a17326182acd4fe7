//! Names of another datacenter in DNS.

use super::federated;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};
use mesh_tests::cluster::TestServer;
use mesh_tests::wait::eventually;
use mesh_tests::{PortBlock, dns};
use serde_json::json;

fn addresses(port: u16, name: &str) -> Vec<String> {
    let answer = dns::ask(port, name, RecordType::A);
    dns::addresses(&answer).iter().map(ToString::to_string).collect()
}

#[test]
fn names_of_another_datacenter_are_answered_by_its_servers() {
    let ports = PortBlock::claim();
    let port = ports.take();
    let (mut one, two) = federated(1, 1, &[]);
    let client = one.add(&["-server=false", &format!("-dns-port={port}")]);
    one.servers[client].wait_for_node("s0");
    let web = json!({"Node": "far", "Address": "10.9.9.9",
        "Service": {"Service": "web", "Address": "10.9.9.8", "Port": 8080, "Tags": ["v1"]}});
    let registered = two.servers[0].request("PUT", "/v1/catalog/register", web.to_string().as_bytes());
    assert_eq!(registered.body, "true");
    let query = json!({"Name": "main", "Service": {"Service": "web"}}).to_string();
    assert_eq!(two.servers[0].request("POST", "/v1/query", query.as_bytes()).status, 200);

    for name in ["web.service.dc2.consul.", "v1.web.service.dc2.mesh.", "main.query.dc2.consul."] {
        eventually(name, || (addresses(port, name) == ["10.9.9.8"]).then_some(()));
    }
    assert_eq!(addresses(port, "far.node.dc2.consul."), ["10.9.9.9"]);
    let srv = dns::ask(port, "web.service.DC2.consul.", RecordType::SRV);
    assert_eq!(dns::ports(&srv), [8080]);
    for name in ["web.service.consul.", "other.service.dc2.consul.", "web.service.dc9.consul."] {
        let answer = dns::ask(port, name, RecordType::A);
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{name}");
    }
}

#[test]
fn a_prepared_query_that_finds_nothing_here_is_answered_by_the_datacenters_that_it_names() {
    let ports = PortBlock::claim();
    let port = ports.take();
    let (mut one, two) = federated(1, 1, &[]);
    let client = one.add(&["-server=false", &format!("-dns-port={port}")]);
    one.servers[client].wait_for_node("s0");
    let register = |server: &TestServer, address: &str| {
        let web = json!({"Node": "host", "Address": "10.9.9.9",
            "Service": {"Service": "web", "Address": address, "Port": 8080}});
        let registered = server.request("PUT", "/v1/catalog/register", web.to_string().as_bytes());
        assert_eq!(registered.body, "true");
    };
    register(&two.servers[0], "10.2.0.1");
    for (name, failover) in [
        ("far", json!({"Datacenters": ["dc9", "dc2"]})),
        ("near", json!({"NearestN": 1})),
        ("here", json!({})),
    ] {
        let query = json!({"Name": name, "Service": {"Service": "web", "Failover": failover},
            "DNS": {"TTL": "7s"}});
        let created = one.servers[client].request("POST", "/v1/query", query.to_string().as_bytes());
        assert_eq!(created.status, 200, "{}", created.body);
    }
    for name in ["far.query.consul.", "near.query.dc1.consul."] {
        eventually(name, || (addresses(port, name) == ["10.2.0.1"]).then_some(()));
    }
    let srv = dns::ask(port, "far.query.consul.", RecordType::SRV);
    let RData::SRV(found) = &srv.answers[0].data else { panic!("{srv}") };
    assert_eq!((found.port, srv.answers[0].ttl), (8080, 7), "{srv}");
    let here = dns::ask(port, "here.query.consul.", RecordType::A);
    assert_eq!(here.metadata.response_code, ResponseCode::NXDomain);
    // What is here comes first.
    register(&one.servers[0], "10.1.0.1");
    eventually("the instance here", || (addresses(port, "far.query.consul.") == ["10.1.0.1"]).then_some(()));
}
