use super::harness::{Got, House, house};
use crate::state::fixtures;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

async fn put(house: &House, path: &str, value: &str) -> Got {
    house.send(Method::PUT, &format!("/v1/kv/{path}"), &[], value).await
}

/// Sets what must be set.
async fn set(house: &House, key: &str, value: &str) {
    let got = put(house, key, value).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "true"), "{key}");
}

async fn session(house: &House, body: &Value) -> String {
    house.catalog.write(fixtures::register_service("alpha", "web", "web")).await.unwrap();
    let got = house.put("/v1/session/create", body).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    got.json()["ID"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_value_comes_back_as_it_was_put() {
    let house = house().await;
    set(&house, "web/port?flags=42", "8080").await;
    let got = house.get("/v1/kv/web/port").await;
    let index = got.index();
    let want = json!([{
        "LockIndex": 0, "Key": "web/port", "Flags": 42, "Value": "ODA4MA==",
        "CreateIndex": index, "ModifyIndex": index,
    }]);
    assert_eq!(got.json(), want);
    let raw = house.get("/v1/kv/web/port?raw").await;
    assert_eq!((raw.text.as_str(), raw.header("content-type"), raw.index()), ("8080", "text/plain", index));
    set(&house, "empty", "").await;
    assert_eq!(house.get("/v1/kv/empty").await.json()[0]["Value"], Value::Null);
}

#[tokio::test]
async fn keys_may_hold_whatever_a_path_can_say() {
    let house = house().await;
    for (path, key) in [
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("50%25", "50%"),
        ("%C3%BC/%E2%82%AC", "ü/€"),
        ("dir/", "dir/"),
        ("a%2Fb%3Fc%23d", "a/b?c#d"),
        ("..x/y..", "..x/y.."),
    ] {
        set(&house, path, "v").await;
        assert_eq!(house.get(&format!("/v1/kv/{path}")).await.json()[0]["Key"], key);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_with_an_index() {
    let house = house().await;
    for path in
        ["/v1/kv/none", "/v1/kv/none?raw", "/v1/kv/none?recurse", "/v1/kv/none?keys", "/v1/kv/?recurse"]
    {
        let got = house.get(path).await;
        assert_eq!((got.status, got.text.as_str()), (StatusCode::NOT_FOUND, ""), "{path}");
        assert!(got.index() >= 1, "{path}");
    }
    assert_eq!(house.get("/v1/kv/?keys").await.text, "[]");
    let unnamed = house.get("/v1/kv/").await;
    assert_eq!((unnamed.status, unnamed.text.as_str()), (StatusCode::BAD_REQUEST, "Missing key name"));
}

#[tokio::test]
async fn trees_are_listed_and_deleted() {
    let house = house().await;
    for key in ["app/a", "app/b/c", "app/b/d", "apple"] {
        set(&house, key, "v").await;
    }
    let keys = |got: Got| got.json();
    assert_eq!(keys(house.get("/v1/kv/app/?keys").await), json!(["app/a", "app/b/c", "app/b/d"]));
    assert_eq!(keys(house.get("/v1/kv/app/?keys&separator=/").await), json!(["app/a", "app/b/"]));
    assert_eq!(house.get("/v1/kv/app?recurse").await.json().as_array().unwrap().len(), 4);
    assert_eq!(house.delete("/v1/kv/app/?recurse").await.text, "true");
    assert_eq!(keys(house.get("/v1/kv/?keys").await), json!(["apple"]));
    assert_eq!(house.delete("/v1/kv/apple").await.text, "true");
    assert_eq!(house.delete("/v1/kv/apple").await.text, "true", "gone already");
}

#[tokio::test]
async fn conditions_decide_and_bad_parameters_are_refused() {
    let house = house().await;
    set(&house, "k?cas=0", "1").await;
    assert_eq!(put(&house, "k?cas=0", "2").await.text, "false");
    let index = house.get("/v1/kv/k").await.index();
    assert_eq!(put(&house, &format!("k?cas={index}"), "2").await.text, "true");
    assert_eq!(house.delete(&format!("/v1/kv/k?cas={index}")).await.text, "false");
    let bad = StatusCode::BAD_REQUEST;
    for (method, path, status, text) in [
        (Method::PUT, "k?cas=x", bad, "Invalid value for ?cas"),
        (Method::PUT, "k?flags=-1", bad, "Invalid value for ?flags"),
        (Method::PUT, "k?cas=0&acquire=x", bad, "Conflicting flags: cas&acquire"),
        (Method::PUT, "", bad, "Missing key name"),
        (Method::DELETE, "", bad, "Missing key name"),
        (Method::DELETE, "k?recurse&cas=1", bad, "Conflicting flags: recurse&cas"),
        (Method::PUT, "k?acquire=nobody", StatusCode::INTERNAL_SERVER_ERROR, "invalid session \"nobody\""),
    ] {
        let got = house.send(method, &format!("/v1/kv/{path}"), &[], "v").await;
        assert_eq!(got.status, status, "{path}: {}", got.text);
        assert!(got.text.contains(text), "{path}: {}", got.text);
    }
}

#[tokio::test]
async fn values_are_limited_to_half_a_mebibyte() {
    let house = house().await;
    set(&house, "big", &"x".repeat(512 * 1024)).await;
    let got = put(&house, "bigger", &"x".repeat(512 * 1024 + 1)).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(got.text.contains("too large"), "{}", got.text);
}

#[tokio::test]
async fn readers_wait_for_keys_that_come_change_and_go() {
    let house = Arc::new(house().await);
    let index = house.get("/v1/kv/app/x").await.index();
    let wait = |path: &str, index: u64| {
        let (house, path) = (house.clone(), format!("/v1/kv/{path}?index={index}&wait=30s"));
        async move { house.get(&path).await }
    };
    let (came, ()) = tokio::join!(wait("app/x", index), set(&house, "app/x", "1"));
    assert_eq!(came.status, StatusCode::OK);
    let delete = async { house.delete("/v1/kv/app/x").await };
    let (gone, _) = tokio::join!(wait("app/x", came.index()), delete);
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.index() > came.index());
    // Only the keys below the prefix count.
    let path = format!("/v1/kv/app/?recurse&index={}&wait=150ms", gone.index());
    let (quiet, ()) = tokio::join!(house.get(&path), set(&house, "apple", "1"));
    assert_eq!((quiet.status, quiet.index()), (StatusCode::NOT_FOUND, gone.index()));
}

#[tokio::test]
async fn a_lock_belongs_to_one_session() {
    let house = house().await;
    let (one, two) = (session(&house, &json!({})).await, session(&house, &json!({"Name": "two"})).await);
    assert_eq!(put(&house, &format!("lock?acquire={one}"), "mine").await.text, "true");
    assert_eq!(put(&house, &format!("lock?acquire={two}"), "mine").await.text, "false");
    let got = house.get("/v1/kv/lock").await.json();
    assert_eq!((&got[0]["Session"], &got[0]["LockIndex"]), (&json!(one), &json!(1)));
    assert_eq!(put(&house, &format!("lock?release={two}"), "").await.text, "false");
    assert_eq!(put(&house, &format!("lock?release={one}"), "").await.text, "true");
    assert_eq!(put(&house, &format!("lock?acquire={two}"), "mine").await.text, "true");
    house.put(&format!("/v1/session/destroy/{two}"), &json!(null)).await;
    assert!(house.get("/v1/kv/lock").await.json()[0].get("Session").is_none());
    let delayed = put(&house, &format!("lock?acquire={one}"), "mine").await;
    assert_eq!(delayed.text, "false", "the lock delay has begun");
}

#[tokio::test]
async fn sessions_are_shown_as_clients_read_them() {
    let house = house().await;
    let body = json!({"Name": "job", "TTL": "30s", "LockDelay": "5s", "Behavior": "delete", "Checks": []});
    let id = session(&house, &body).await;
    let shown = house.get(&format!("/v1/session/info/{id}")).await;
    let index = shown.index();
    let want = json!([{
        "ID": id, "Name": "job", "Node": "alpha", "LockDelay": 5_000_000_000_u64, "Behavior": "delete",
        "TTL": "30s", "NodeChecks": [], "ServiceChecks": null, "Checks": [],
        "CreateIndex": index, "ModifyIndex": index,
    }]);
    assert_eq!(shown.json(), want);
    assert_eq!(house.get("/v1/session/list").await.json(), want);
    assert_eq!(house.get("/v1/session/node/alpha").await.json(), want);
    assert_eq!(house.get("/v1/session/node/beta").await.text, "[]");
    assert_eq!(house.put(&format!("/v1/session/renew/{id}"), &json!(null)).await.json(), want);
    assert_eq!(house.put(&format!("/v1/session/destroy/{id}"), &json!(null)).await.text, "true");
    assert_eq!(house.get(&format!("/v1/session/info/{id}")).await.text, "[]");
    let gone = house.put(&format!("/v1/session/renew/{id}"), &json!(null)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(gone.text, format!("Session id '{id}' not found"));
}

#[tokio::test]
async fn sessions_that_cannot_be_are_refused() {
    let house = house().await;
    session(&house, &json!({})).await;
    for (body, status, text) in [
        (json!({"TTL": "1s"}), StatusCode::BAD_REQUEST, "Invalid Session TTL"),
        (json!({"Behavior": "keep"}), StatusCode::BAD_REQUEST, "Invalid Behavior"),
        (json!({"Node": "nowhere"}), StatusCode::INTERNAL_SERVER_ERROR, "Missing node registration"),
        (json!({"Checks": ["x"]}), StatusCode::INTERNAL_SERVER_ERROR, "Missing check 'x' registration"),
        (json!({"Bogus": 1}), StatusCode::BAD_REQUEST, "Request decode failed"),
    ] {
        let got = house.put("/v1/session/create", &body).await;
        assert_eq!(got.status, status, "{body}: {}", got.text);
        assert!(got.text.contains(text), "{body}: {}", got.text);
    }
}

#[tokio::test]
async fn a_transaction_happens_whole_or_not_at_all() {
    let house = house().await;
    let got = house
        .put(
            "/v1/txn",
            &json!([
                {"KV": {"Verb": "set", "Key": "a", "Value": "MQ==", "Flags": 7}},
                {"KV": {"Verb": "get", "Key": "a"}},
                {"Node": {"Verb": "set", "Node": {"Node": "n1", "Address": "10.0.0.1"}}},
                {"Service": {"Verb": "set", "Node": "n1", "Service": {"ID": "w", "Service": "web", "Port": 1}}},
                {"Check": {"Verb": "set", "Check": {"Node": "n1", "CheckID": "c", "Name": "c", "Status": "passing"}}},
            ]),
        )
        .await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let results = got.json();
    assert_eq!(results["Errors"], Value::Null);
    assert_eq!(results["Results"][0]["KV"]["Value"], Value::Null);
    assert_eq!(results["Results"][1]["KV"]["Value"], "MQ==");
    assert_eq!(results["Results"][2]["Node"]["Node"], "n1");
    assert_eq!(results["Results"][3]["Service"]["Service"], "web");
    assert_eq!(results["Results"][4]["Check"]["CheckID"], "c");
    let conflict = house
        .put(
            "/v1/txn",
            &json!([{"KV": {"Verb": "set", "Key": "b", "Value": "MQ=="}}, {"KV": {"Verb": "get", "Key": "none"}}]),
        )
        .await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    let want = json!({"Results": null, "Errors": [{"OpIndex": 1, "What": "key \"none\" doesn't exist"}]});
    assert_eq!(conflict.json(), want);
    assert_eq!(house.get("/v1/kv/b").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_transaction_that_only_reads_is_not_written_and_too_long_ones_are_refused() {
    let house = house().await;
    set(&house, "a", "1").await;
    let asked = house.voter.asked();
    let read = house.put("/v1/txn", &json!([{"KV": {"Verb": "get-tree", "Key": ""}}])).await;
    assert_eq!(read.json()["Results"][0]["KV"]["Key"], "a");
    assert_eq!(house.voter.asked(), asked, "nothing was proposed");
    let many: Vec<_> = (0..65).map(|n| json!({"KV": {"Verb": "set", "Key": n.to_string()}})).collect();
    let refused = house.put("/v1/txn", &json!(many)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.text, "Transaction contains too many operations (65 > 64)");
    for body in [
        json!([{}]),
        json!([{"KV": {"Verb": "steal", "Key": "a"}}]),
        json!([{"KV": {"Verb": "set", "Key": "a", "Value": "!"}}]),
    ] {
        assert_eq!(house.put("/v1/txn", &body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}
