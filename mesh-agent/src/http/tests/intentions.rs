use super::harness::{Got, House, house};
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn create(house: &House, source: &str, destination: &str, action: &str) -> Got {
    let body = json!({"SourceName": source, "DestinationName": destination, "SourceType": "consul", "Action": action});
    house.send(Method::POST, "/v1/connect/intentions", &[], &body.to_string()).await
}

fn pairs(list: &Value) -> Vec<(&str, &str)> {
    let items = list.as_array().unwrap().iter();
    items.map(|i| (i["SourceName"].as_str().unwrap(), i["DestinationName"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_intention_lives_from_create_to_delete() {
    let house = house().await;
    let created = create(&house, "web", "db", "allow").await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    let id = created.json()["ID"].as_str().unwrap().to_owned();
    let path = format!("/v1/connect/intentions/{id}");
    let read = house.get(&path).await.json();
    assert_eq!((&read["SourceName"], &read["DestinationName"]), (&json!("web"), &json!("db")));
    assert_eq!(
        (&read["Action"], &read["Precedence"], &read["SourceNS"]),
        (&json!("allow"), &json!(9), &json!("default"))
    );
    let update = json!({"SourceName": "web", "DestinationName": "db", "Action": "deny", "Description": "no"});
    assert_eq!(house.put(&path, &update).await.json(), json!({"ID": id}));
    let read = house.get(&path).await.json();
    assert_eq!((&read["Action"], &read["Description"]), (&json!("deny"), &json!("no")));
    assert_eq!(house.delete(&path).await.text, "true");
    for got in [house.get(&path).await, house.delete(&path).await, house.put(&path, &update).await] {
        assert_eq!((got.status, got.text.as_str()), (StatusCode::NOT_FOUND, "Intention not found"));
    }
}

#[tokio::test]
async fn lists_and_matches_come_by_precedence() {
    let house = house().await;
    for (source, destination) in [("*", "*"), ("web", "*"), ("*", "db"), ("web", "db"), ("web", "cache")] {
        create(&house, source, destination, "allow").await;
    }
    let all = house.get("/v1/connect/intentions").await.json();
    assert_eq!(pairs(&all), [("web", "cache"), ("web", "db"), ("*", "db"), ("web", "*"), ("*", "*")]);
    let matched =
        house.get("/v1/connect/intentions/match?by=destination&name=db&name=default/other").await.json();
    assert_eq!(pairs(&matched["db"]), [("web", "db"), ("*", "db"), ("web", "*"), ("*", "*")]);
    assert_eq!(pairs(&matched["other"]), [("web", "*"), ("*", "*")]);
    let filtered = house.get("/v1/connect/intentions?filter=DestinationName+==+db+and+Precedence+==+9").await;
    assert_eq!(pairs(&filtered.json()), [("web", "db")]);
}

#[tokio::test]
async fn a_check_sees_the_write_before_it() {
    let house = house().await;
    let check = "/v1/connect/intentions/check?source=web&destination=db";
    assert_eq!(house.get(check).await.json(), json!({"Allowed": true}));
    create(&house, "web", "db", "deny").await;
    assert_eq!(house.get(check).await.json(), json!({"Allowed": false}));
    create(&house, "*", "cache", "deny").await;
    let other = house.get("/v1/connect/intentions/check?source=x&destination=cache&source-type=consul").await;
    assert_eq!(other.json(), json!({"Allowed": false}));
}

#[tokio::test]
async fn exact_intentions_are_put_read_and_deleted_by_name() {
    let house = house().await;
    let path = "/v1/connect/intentions/exact?source=web&destination=default/db";
    assert_eq!(house.get(path).await.status, StatusCode::NOT_FOUND);
    for action in ["allow", "deny"] {
        let body = json!({"SourceType": "consul", "Action": action});
        assert_eq!(house.put(path, &body).await.text, "true");
        assert_eq!(house.get(path).await.json()["Action"], action);
    }
    let other = json!({"SourceName": "api", "Action": "deny"});
    assert_eq!(house.put(path, &other).await.status, StatusCode::BAD_REQUEST);
    for _ in 0..2 {
        assert_eq!(house.delete(path).await.text, "true");
    }
    assert_eq!(house.get("/v1/connect/intentions").await.text, "[]");
}

#[tokio::test]
async fn a_duplicate_is_told_as_consul_tells_it() {
    let house = house().await;
    create(&house, "web", "db", "allow").await;
    let again = create(&house, "web", "db", "deny").await;
    assert_eq!(again.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(again.text.starts_with("duplicate intention found"), "{}", again.text);
}

#[tokio::test]
async fn names_that_could_mean_something_else_are_refused() {
    let house = house().await;
    for name in ["", "we*", "a/../b", "a b", "a\u{7}", &"x".repeat(10 << 10)] {
        let got = create(&house, name, "db", "allow").await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{name:?}");
        assert!(got.text.len() < 1000, "{}", got.text.len());
    }
    for (key, value) in
        [("Action", "maybe"), ("SourceType", "vm"), ("SourceNS", "team"), ("ID", "x"), ("Nope", "1")]
    {
        let mut body = json!({"SourceName": "web", "DestinationName": "db", "Action": "allow"});
        body[key] = json!(value);
        let got = house.send(Method::POST, "/v1/connect/intentions", &[], &body.to_string()).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{key}: {}", got.text);
    }
}

#[tokio::test]
async fn questions_that_lack_something_say_what() {
    let house = house().await;
    let table = [
        ("/v1/connect/intentions/match", "'by' not set"),
        ("/v1/connect/intentions/match?by=source", "'name' not set"),
        ("/v1/connect/intentions/match?by=both&name=x", "'source' or 'destination'"),
        ("/v1/connect/intentions/check?source=web", "'destination' not set"),
        ("/v1/connect/intentions/check?source=*&destination=db", "one service"),
        ("/v1/connect/intentions/check?source=a&destination=b&source-type=vm", "source-type"),
        ("/v1/connect/intentions/exact?source=web", "'destination' not set"),
        ("/v1/connect/intentions/not-a-uuid", "UUID"),
        ("/v1/connect/intentions/", "Missing intention id"),
    ];
    for (path, want) in table {
        let got = house.get(path).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(got.text.contains(want), "{path}: {}", got.text);
    }
}

#[tokio::test]
async fn a_blocked_list_wakes_for_a_new_intention() {
    let house = house().await;
    create(&house, "web", "db", "allow").await;
    let index = house.get("/v1/connect/intentions").await.index();
    let path = format!("/v1/connect/intentions/match?by=source&name=web&index={index}&wait=30s");
    let (got, _) = tokio::join!(house.get(&path), create(&house, "web", "cache", "deny"));
    assert!(got.index() > index);
    assert_eq!(got.json()["web"].as_array().unwrap().len(), 2);
}
