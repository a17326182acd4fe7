use super::harness::{DenyAll, Plan, build};
use crate::acl::Access;
use crate::http::HttpSettings;
use crate::http::routes::ROUTES;
use crate::state::fixtures;
use http::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Every route, as somebody asks it to whom nothing is allowed.
#[tokio::test]
async fn whoever_may_do_nothing_learns_and_changes_nothing() {
    let house = build(Plan { tokens: Arc::new(DenyAll), ..Plan::default() }).await;
    let nobody = json!({"Node": "n", "Address": "1.2.3.4", "Service": {"Service": "web"}}).to_string();
    for route in ROUTES.iter().filter(|route| !route.streams) {
        let name = if route.path.ends_with('/') { "web" } else { "" };
        let path = format!("{}{name}", route.path);
        let got = house.send(route.method.clone(), &path, &[], &nobody).await;
        match route.access {
            Access::Needs(..) | Access::NeedsOneOf(_) => {
                assert_eq!(got.status, StatusCode::FORBIDDEN, "{path}: {}", got.text);
                assert!(got.text.starts_with("Permission denied"), "{path}: {}", got.text);
            }
            Access::Filtered(_) => assert!(!got.text.contains("10.0.0."), "{path}: {}", got.text),
            Access::None => assert_eq!(route.method, Method::GET, "{path} changes something for anybody"),
        }
    }
}

#[tokio::test]
async fn lists_leave_out_what_the_caller_may_not_see() {
    let house = build(Plan { tokens: Arc::new(DenyAll), ..Plan::default() }).await;
    let registration = fixtures::register_service("alpha", "web", "web");
    house.catalog.write(registration).await.unwrap();
    for path in [
        "/v1/catalog/nodes",
        "/v1/catalog/service/web",
        "/v1/health/service/web",
        "/v1/health/state/any",
        "/v1/health/node/alpha",
        "/v1/connect/intentions",
        "/v1/agent/members",
        "/v1/internal/ui/nodes",
    ] {
        assert_eq!(house.get(path).await.text, "[]", "{path}");
    }
    assert_eq!(house.get("/v1/catalog/services").await.text, "{}");
    assert_eq!(house.get("/v1/catalog/node/alpha").await.text, "null");
}

#[tokio::test]
async fn writers_and_endpoints_can_be_restricted() {
    let settings = HttpSettings {
        writers: Some(Arc::new(|address| !address.is_loopback())),
        blocked: vec!["/v1/internal/".to_owned()],
        ..HttpSettings::default()
    };
    let house = build(Plan { settings, ..Plan::default() }).await;
    let write = house.put("/v1/agent/reload", &json!(null)).await;
    assert_eq!(write.status, StatusCode::FORBIDDEN);
    assert!(write.text.starts_with("Access is restricted"), "{}", write.text);
    assert_eq!(house.get("/v1/internal/ui/nodes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get("/v1/status/leader").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_does_not_come_back_in_an_error() {
    let house = build(Plan { tokens: Arc::new(DenyAll), ..Plan::default() }).await;
    let got =
        house.send(Method::GET, "/v1/agent/self?token=s3cret", &[("x-consul-token", "s3cret")], "").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(!got.text.contains("s3cret"));
}
