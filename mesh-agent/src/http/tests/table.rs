use super::harness::house;
use crate::http::routes::ROUTES;
use http::{Method, StatusCode};
use std::collections::HashSet;

#[tokio::test]
async fn every_route_of_the_table_is_mounted() {
    let house = house().await;
    for route in ROUTES {
        let options =
            house.send(Method::OPTIONS, &format!("{}{}", route.path, suffix(route.path)), &[], "").await;
        assert_eq!(options.status, StatusCode::OK, "{}", route.path);
        let allow: Vec<&str> = options.header("allow").split(',').collect();
        assert!(allow.contains(&route.method.as_str()), "{}: {allow:?}", route.path);
    }
}

fn suffix(path: &str) -> &'static str {
    if path.ends_with('/') { "name" } else { "" }
}

#[test]
fn the_table_has_each_method_and_path_once() {
    let mut seen = HashSet::new();
    for route in ROUTES {
        assert!(seen.insert((&route.method, route.path)), "{} {}", route.method, route.path);
        assert!(route.path.starts_with("/v1/") || route.path == "/ui/", "{}", route.path);
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let got = house().await.send(Method::DELETE, "/v1/status/leader", &[], "").await;
    assert_eq!((got.status, got.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"));
    assert_eq!(got.text, "method DELETE not allowed");
}

#[tokio::test]
async fn paths_lead_where_consuls_lead() {
    let house = house().await;
    let table = [
        ("/", StatusCode::MOVED_PERMANENTLY, "/ui/"),
        ("/v1/status//leader", StatusCode::MOVED_PERMANENTLY, "/v1/status/leader"),
        ("/v1/kv/../status/leader?x=1", StatusCode::MOVED_PERMANENTLY, "/v1/status/leader?x=1"),
        ("/v1/kv/%2e%2e/status/leader", StatusCode::MOVED_PERMANENTLY, "/v1/status/leader"),
        ("/v1/health/node", StatusCode::MOVED_PERMANENTLY, "/v1/health/node/"),
        ("/v1/nothing", StatusCode::NOT_FOUND, ""),
        ("/v2/status/leader", StatusCode::NOT_FOUND, ""),
        ("/v1/status/leader/", StatusCode::NOT_FOUND, ""),
        ("/v1/a%00b", StatusCode::BAD_REQUEST, ""),
        ("/v1/a%5c..%5cb", StatusCode::BAD_REQUEST, ""),
    ];
    for (path, status, location) in table {
        let got = house.get(path).await;
        assert_eq!((got.status, got.header("location")), (status, location), "{path}");
    }
}

#[tokio::test]
async fn every_answer_disarms_what_it_carries() {
    let house = house().await;
    for path in ["/v1/status/leader", "/v1/nothing", "/v1//status", "/v1/catalog/nodes?index=x"] {
        let got = house.get(path).await;
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert!(got.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(got.header("x-house"), "rule", "{path}");
        assert_eq!(got.header("x-consul-default-acl-policy"), "allow", "{path}");
    }
}

#[tokio::test]
async fn foreign_pages_get_nowhere() {
    let house = house().await;
    let rebound = house.send(Method::GET, "/v1/status/leader", &[("host", "evil.example:8500")], "").await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    let origin = [("origin", "https://evil.example")];
    let cross = house.send(Method::PUT, "/v1/agent/leave", &origin, "").await;
    assert_eq!(cross.status, StatusCode::FORBIDDEN);
    assert_eq!(house.control.leaves.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_status_of_the_cluster_is_told() {
    let house = house().await;
    assert_eq!(house.get("/v1/status/leader").await.text, "\"127.0.0.1:8300\"");
    assert_eq!(house.get("/v1/status/peers?pretty").await.text, "[\n    \"127.0.0.1:8300\"\n]\n");
    house.voter.elect(false);
    assert_eq!(house.get("/v1/status/leader").await.text, "\"\"");
}
