use super::harness::{House, house};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn register(house: &House, node: &str, service: &str) {
    let body = json!({"Node": node, "Address": "10.0.0.1", "Service": {"Service": service, "Port": 80}});
    let got = house.put("/v1/catalog/register", &body).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "true"));
}

#[tokio::test]
async fn every_read_tells_its_index_and_freshness() {
    let house = house().await;
    register(&house, "alpha", "web").await;
    for path in [
        "/v1/catalog/nodes",
        "/v1/catalog/services",
        "/v1/catalog/service/web",
        "/v1/catalog/connect/web",
        "/v1/catalog/node/alpha",
        "/v1/catalog/node-services/alpha",
        "/v1/health/node/alpha",
        "/v1/health/checks/web",
        "/v1/health/service/web",
        "/v1/health/connect/web",
        "/v1/health/state/any",
        "/v1/connect/intentions",
        "/v1/connect/intentions/match?by=source&name=web",
    ] {
        let got = house.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
        assert!(got.index() > 0, "{path}");
        assert_eq!(got.header("x-consul-knownleader"), "true", "{path}");
        assert_eq!(got.header("x-consul-lastcontact"), "0", "{path}");
        assert_eq!(got.header("x-consul-effective-consistency"), "leader", "{path}");
        assert_eq!(got.header("content-type"), "application/json", "{path}");
    }
    let stale = house.get("/v1/catalog/nodes?stale&cached").await;
    assert_eq!(stale.header("x-consul-effective-consistency"), "stale");
    assert_eq!((stale.header("x-cache"), stale.header("age")), ("HIT", "0"));
}

#[tokio::test]
async fn ten_blocked_readers_wake_with_the_change_and_the_index_goes_up() {
    let house = Arc::new(house().await);
    register(&house, "alpha", "web").await;
    let index = house.get("/v1/catalog/service/web").await.index();
    let path = format!("/v1/catalog/service/web?index={index}&wait=30s");
    let readers = join_all((0..10).map(|_| house.get(&path)));
    let writer = async {
        // A reader that arrives after the write is answered too: this only orders them where it can.
        tokio::time::sleep(Duration::from_millis(50)).await;
        register(&house, "beta", "web").await;
    };
    let begun = Instant::now();
    let (answers, ()) = tokio::join!(readers, writer);
    assert!(begun.elapsed() < Duration::from_secs(10), "woken by time, not by the change");
    for got in answers {
        assert!(got.index() > index);
        assert_eq!(got.json().as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_query_that_nothing_wakes_ends_in_time_with_the_same_index() {
    let house = house().await;
    register(&house, "alpha", "web").await;
    let index = house.get("/v1/health/service/web").await.index();
    let begun = Instant::now();
    let got = house.get(&format!("/v1/health/service/web?index={index}&wait=100ms")).await;
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!((got.status, got.index()), (StatusCode::OK, index));
}

#[tokio::test]
async fn a_change_elsewhere_wakes_nobody() {
    let house = house().await;
    register(&house, "alpha", "web").await;
    let index = house.get("/v1/health/service/web").await.index();
    let path = format!("/v1/health/service/web?index={index}&wait=200ms");
    let (got, ()) = tokio::join!(house.get(&path), register(&house, "beta", "db"));
    assert_eq!(got.index(), index);
}

#[tokio::test]
async fn the_index_never_goes_back_when_things_are_removed() {
    let house = house().await;
    register(&house, "alpha", "web").await;
    let before = house.get("/v1/catalog/service/web").await.index();
    house.put("/v1/catalog/deregister", &json!({"Node": "alpha"})).await;
    let got = house.get(&format!("/v1/catalog/service/web?index={before}&wait=5s")).await;
    assert!(got.index() > before);
    assert_eq!(got.text, "[]");
}

#[tokio::test]
async fn without_a_leader_only_stale_reads_answer() {
    let house = house().await;
    house.voter.elect(false);
    for path in ["/v1/catalog/nodes", "/v1/catalog/nodes?consistent"] {
        let got = house.get(path).await;
        assert_eq!(got.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(got.text.starts_with("No cluster leader"), "{}", got.text);
    }
    let stale = house.get("/v1/catalog/nodes?stale").await;
    assert_eq!((stale.status, stale.header("x-consul-knownleader")), (StatusCode::OK, "false"));
}

#[tokio::test]
async fn bad_query_options_are_refused_before_waiting() {
    let house = house().await;
    let table = [
        ("index=x", StatusCode::BAD_REQUEST, "Invalid index"),
        ("wait=x", StatusCode::BAD_REQUEST, "Invalid wait"),
        ("stale&consistent", StatusCode::BAD_REQUEST, "conflicting"),
        ("filter=Nope+==+1&index=99&wait=1m", StatusCode::BAD_REQUEST, "Nope"),
        ("filter=Node+==", StatusCode::BAD_REQUEST, "position 7"),
        ("dc=mars", StatusCode::INTERNAL_SERVER_ERROR, "No path to datacenter"),
    ];
    for (query, status, text) in table {
        let got = house.get(&format!("/v1/catalog/nodes?{query}")).await;
        assert_eq!(got.status, status, "{query}");
        assert!(got.text.contains(text), "{query}: {}", got.text);
    }
}
