//! Names of another datacenter in DNS.

use super::federated;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};
use mesh_tests::wait::eventually;
use mesh_tests::{PortBlock, dns};
use serde_json::json;

fn addresses(port: u16, name: &str) -> Vec<String> {
    let answer = dns::ask(port, name, RecordType::A);
    let address = |data: &RData| match data {
        RData::A(address) => Some(address.to_string()),
        _ => None,
    };
    answer.answers.iter().filter_map(|record| address(&record.data)).collect()
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
    let ports: Vec<u16> = srv
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(srv.port),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [8080]);
    for name in ["web.service.consul.", "other.service.dc2.consul.", "web.service.dc9.consul."] {
        let answer = dns::ask(port, name, RecordType::A);
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{name}");
    }
}
