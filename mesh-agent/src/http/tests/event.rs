use super::harness::house;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_fired_event_is_listed_and_wakes_who_waits() {
    let house = house().await;
    let empty = house.get("/v1/event/list").await;
    assert_eq!((empty.text.as_str(), empty.index()), ("[]", 1));
    let waiting = house.get("/v1/event/list?index=1&wait=30s");
    let fire = async {
        let got = house.send(Method::PUT, "/v1/event/fire/deploy?node=alph", &[], "v2").await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        got.json()
    };
    let (listed, fired) = tokio::join!(waiting, fire);
    let want = json!({
        "ID": fired["ID"], "Name": "deploy", "Payload": "djI=", "NodeFilter": "alph", "ServiceFilter": "",
        "TagFilter": "", "Version": 1, "LTime": 1,
    });
    assert_eq!(fired, want);
    assert_eq!(listed.json(), json!([want]));
    let hex = fired["ID"].as_str().unwrap().replace('-', "");
    let half = |text: &str| u64::from_str_radix(text, 16).unwrap();
    assert_eq!(listed.index(), half(&hex[..16]) ^ half(&hex[16..]), "as clients compute it");
    assert_eq!(house.get("/v1/event/list?name=other").await.text, "[]");
    let path = format!("/v1/event/list?index={}&wait=100ms", listed.index());
    let begun = std::time::Instant::now();
    assert_eq!(house.get(&path).await.index(), listed.index());
    assert!(begun.elapsed() >= Duration::from_millis(100), "nothing new");
}

#[tokio::test]
async fn events_that_cannot_be_fired_are_refused() {
    let house = house().await;
    for (path, body, status, text) in [
        ("", "", StatusCode::BAD_REQUEST, "Missing name"),
        ("x?tag=a", "", StatusCode::BAD_REQUEST, "Cannot provide tag filter without service filter"),
        ("x?node=(", "", StatusCode::BAD_REQUEST, "Invalid node filter"),
        ("x", &"x".repeat(513), StatusCode::PAYLOAD_TOO_LARGE, "too large"),
    ] {
        let got = house.send(Method::PUT, &format!("/v1/event/fire/{path}"), &[], body).await;
        assert_eq!(got.status, status, "{path}");
        assert!(got.text.contains(text), "{path}: {}", got.text);
    }
    let elsewhere = house.send(Method::PUT, "/v1/event/fire/x?node=beta", &[], "").await;
    assert_eq!(elsewhere.json()["Payload"], Value::Null);
    assert_eq!(house.get("/v1/event/list").await.text, "[]", "it does not concern this node");
}
