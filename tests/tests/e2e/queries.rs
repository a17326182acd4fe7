//! Prepared queries answer on every agent.

use hickory_proto::rr::RecordType;
use mesh_tests::cluster::TestCluster;
use mesh_tests::{dns, eventually};
use serde_json::json;

#[test]
fn a_client_agent_answers_prepared_queries_in_dns_and_goes_on_without_servers() {
    let mut cluster = TestCluster::start(1);
    let dns_port = cluster.port();
    let client = cluster.add(&["-server=false", &format!("-dns-port={dns_port}")]);
    cluster.servers[client].wait_for_node("s0");
    let service = json!({"Name": "web", "Port": 80, "Address": "10.1.1.7"}).to_string();
    cluster.servers[client].request("PUT", "/v1/agent/service/register", service.as_bytes());
    let query = json!({"Name": "front", "Service": {"Service": "web"}}).to_string();
    let created = cluster.servers[client].request("POST", "/v1/query", query.as_bytes());
    let id = created.json()["ID"].as_str().unwrap().to_owned();
    let answers = || {
        let found = dns::ask(dns_port, "front.query.consul.", RecordType::A).answers;
        found.first().map(|record| record.data.to_string())
    };
    eventually("the client answers", || answers().filter(|address| address == "10.1.1.7"));
    cluster.servers[client].request("DELETE", &format!("/v1/query/{id}"), b"");
    eventually("the query is gone there too", || answers().is_none().then_some(()));
    cluster.servers[client].request("POST", "/v1/query", query.as_bytes());
    eventually("it is back", answers);
    cluster.servers[0].kill();
    assert_eq!(answers().as_deref(), Some("10.1.1.7"));
}
