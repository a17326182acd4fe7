use super::harness::house;
use crate::snapshot::Archive;
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn what_was_saved_comes_back_and_what_is_damaged_does_not() {
    let house = house().await;
    let service = |name: &str| json!({"Node": "n1", "Address": "10.0.0.1", "Service": {"Service": name}});
    house.put("/v1/catalog/register", &service("web")).await;
    let saved = house.get("/v1/snapshot").await;
    assert_eq!((saved.status, saved.header("content-type")), (StatusCode::OK, "application/x-gzip"));
    assert!(Archive::open(&saved.bytes).unwrap().meta.index >= saved.index());
    house.put("/v1/catalog/register", &service("later")).await;
    let before = house.get("/v1/catalog/services").await;

    let cut = saved.bytes.slice(..saved.bytes.len() / 2);
    let refused = house.send_bytes(Method::PUT, "/v1/snapshot", &[], cut).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(refused.text.contains("cut short"), "{}", refused.text);
    assert_eq!(house.get("/v1/catalog/services").await.json(), before.json());

    assert_eq!(house.send_bytes(Method::PUT, "/v1/snapshot", &[], saved.bytes).await.status, StatusCode::OK);
    let after = house.get("/v1/catalog/services").await;
    assert!(after.json()["web"].is_array() && after.json()["later"].is_null(), "{}", after.text);
    assert!(after.index() > before.index(), "indexes never go back");
}
