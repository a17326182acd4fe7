//! Discovery by DNS.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};
use mesh_tests::{TestAgent, dns, eventually};
use serde_json::json;

fn agent_with_web() -> TestAgent {
    let agent = TestAgent::start();
    for (id, address) in [("web-1", "127.0.0.11"), ("web-2", "127.0.0.12")] {
        agent.register(&json!({"ID": id, "Name": "web", "Address": address, "Port": 8080, "Tags": ["v1"],
            "Check": {"TTL": "1h", "Status": "passing"}}));
    }
    agent.wait_for_passing("web", 2);
    agent
}

fn addresses(agent: &TestAgent, name: &str) -> Vec<String> {
    let answer = dns::ask(agent.dns_port, name, RecordType::A);
    let mut found: Vec<String> = dns::addresses(&answer).iter().map(ToString::to_string).collect();
    found.sort();
    found
}

#[test]
fn a_service_has_the_addresses_of_its_passing_instances_in_both_domains() {
    let agent = agent_with_web();
    for name in
        ["web.service.consul.", "web.service.mesh.", "WEB.Service.dc1.Consul.", "v1.web.service.consul."]
    {
        assert_eq!(addresses(&agent, name), ["127.0.0.11", "127.0.0.12"], "{name}");
    }
    agent.put("/v1/agent/check/fail/service:web-1", &json!(null));
    eventually("the failing instance is gone", || {
        (addresses(&agent, "web.service.consul.") == ["127.0.0.12"]).then_some(())
    });
}

#[test]
fn srv_records_bear_ports_and_come_with_addresses() {
    let agent = agent_with_web();
    for name in ["web.service.consul.", "_web._v1.service.consul.", "_web._tcp.service.consul."] {
        let answer = dns::ask(agent.dns_port, name, RecordType::SRV);
        let ports = dns::ports(&answer);
        assert_eq!(ports, [8080, 8080], "{name}");
        assert_eq!(
            answer.additionals.iter().filter(|r| r.record_type() == RecordType::A).count(),
            2,
            "{name}"
        );
    }
}

#[test]
fn nodes_are_found_by_name_and_over_tcp() {
    let agent = agent_with_web();
    assert_eq!(addresses(&agent, "test-node.node.consul."), ["127.0.0.1"]);
    let answer = dns::ask_tcp(agent.dns_port, "test-node.node.mesh.", RecordType::A).unwrap();
    assert_eq!(answer.answers.len(), 1);
}

#[test]
fn a_server_is_a_service_named_consul() {
    let agent = agent_with_web();
    agent.wait_for_passing("consul", 1);
    assert_eq!(addresses(&agent, "consul.service.consul."), ["127.0.0.1"]);
    let instance = agent.get_json("/v1/catalog/service/consul")[0].clone();
    let answer = dns::ask(agent.dns_port, "consul.service.consul.", RecordType::SRV);
    let RData::SRV(srv) = &answer.answers[0].data else { panic!("{answer:?}") };
    assert_eq!(json!(srv.port), instance["ServicePort"]);
    assert_eq!(instance["ServicePort"], agent.get_json("/v1/agent/self")["DebugConfig"]["ServerPort"]);
    assert_eq!(agent.get_json("/v1/agent/services").get("consul"), None, "nobody registered it here");
}

#[test]
fn what_is_not_there_is_nxdomain_with_soa_and_what_is_foreign_is_refused() {
    let agent = agent_with_web();
    let answer = dns::ask(agent.dns_port, "nobody.service.consul.", RecordType::A);
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    assert!(answer.authorities.iter().any(|record| record.record_type() == RecordType::SOA));
    let answer = dns::ask(agent.dns_port, "example.com.", RecordType::A);
    assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
}

#[test]
fn connect_names_lead_to_proxies() {
    let agent = agent_with_web();
    agent.register(&json!({"Name": "db", "Port": 5432, "Connect": {"SidecarService": {}}}));
    eventually("the sidecar is found", || {
        let answer = dns::ask(agent.dns_port, "db.connect.consul.", RecordType::SRV);
        let ports = dns::ports(&answer);
        (ports.len() == 1 && ports[0] != 5432).then_some(())
    });
}
