//! What clients of the HTTP API depend on.

use mesh_tests::{DemoService, PortBlock, TestAgent, eventually};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn unknown_paths_wrong_methods_and_bad_bodies_have_their_own_status() {
    let agent = TestAgent::start();
    assert_eq!(agent.get("/v1/no/such/thing").status, 404);
    let wrong = agent.request("DELETE", "/v1/agent/members", b"");
    assert_eq!(wrong.status, 405);
    assert!(wrong.header("allow").is_some_and(|allow| allow.contains("GET")), "{wrong:?}");
    let unknown = agent.put("/v1/agent/service/register", &json!({"Name": "web", "Prot": 80}));
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("Prot"), "{}", unknown.body);
    let mistyped = agent.put("/v1/agent/service/register", &json!({"Name": "web", "Port": "many"}));
    assert_eq!(mistyped.status, 400);
    assert!(mistyped.body.contains("Port"), "{}", mistyped.body);
    assert_eq!(agent.get("/v1/catalog/nodes?index=soon").status, 400);
    let huge = vec![b' '; 64 * 1024 * 1024];
    assert_eq!(agent.request("PUT", "/v1/agent/service/register", &huge).status, 413);
}

#[test]
fn a_blocking_query_wakes_for_its_service_and_its_index_never_goes_back() {
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "web", "Port": 1}));
    agent.wait_for_passing("web", 1);
    let index = |response: &mesh_tests::http::Response| -> u64 {
        response.header("x-consul-index").expect("an index").parse().expect("a number")
    };
    let first = index(&agent.get("/v1/health/service/web"));
    let target = format!("/v1/health/service/web?index={first}&wait=55s");
    let started = Instant::now();
    let woken = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| agent.get(&target));
        agent.register(&json!({"ID": "web-2", "Name": "web", "Port": 2}));
        waiting.join().expect("the waiting reader does not panic")
    });
    assert!(started.elapsed() < Duration::from_secs(50), "it waited for its whole time");
    assert!(index(&woken) > first);
    assert_eq!(woken.json().as_array().unwrap().len(), 2);
}

#[test]
fn a_blocking_query_without_news_ends_with_its_time() {
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "web", "Port": 1}));
    agent.wait_for_passing("web", 1);
    let index = agent.get("/v1/health/service/web").header("x-consul-index").unwrap().to_owned();
    let started = Instant::now();
    let response = agent.get(&format!("/v1/health/service/web?index={index}&wait=1s"));
    assert_eq!(response.header("x-consul-index"), Some(index.as_str()));
    assert!((1..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn a_health_check_finds_a_service_that_goes_away() {
    let ports = PortBlock::claim();
    let port = ports.take();
    let service = DemoService::start(port, "well");
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "web", "Port": port,
        "Check": {"HTTP": format!("http://127.0.0.1:{port}/health"), "Interval": "100ms", "Timeout": "2s"}}));
    agent.wait_for_passing("web", 1);
    drop(service);
    agent.wait_for_passing("web", 0);
}

#[test]
fn authorize_answers_by_intention() {
    let agent = TestAgent::start();
    let domain = eventually("there is a root", || {
        let roots =
            agent.try_get("/v1/agent/connect/ca/roots").filter(|response| response.status == 200)?.json();
        roots["TrustDomain"].as_str().filter(|domain| !domain.is_empty()).map(str::to_owned)
    });
    let uri = format!("spiffe://{domain}/ns/default/dc/dc1/svc/web");
    let ask = |uri: &str| {
        let body = json!({"Target": "db", "ClientCertURI": uri, "ClientCertSerial": "00:01"});
        let answer = agent.request("POST", "/v1/agent/connect/authorize", body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["Authorized"].as_bool().expect("a verdict")
    };
    assert!(ask(&uri));
    agent.mesh(&["intention", "create", "-deny", "web", "db"]).success();
    eventually("the denial counts", || (!ask(&uri)).then_some(()));
    let foreign = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/other";
    assert!(!ask(foreign), "another trust domain");
}
