use super::harness::{House, house};
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn create(house: &House, query: &Value) -> String {
    let got = house.send(Method::POST, "/v1/query", &[], &query.to_string()).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    got.json()["ID"].as_str().unwrap().to_owned()
}

async fn register(house: &House, node: &str, status: &str, tags: &[&str]) {
    let body = json!({
        "Node": node, "Address": "10.0.0.1", "Service": {"Service": "web", "Port": 80, "Tags": tags},
        "Check": {"Name": "c", "CheckID": "c", "Status": status, "ServiceID": "web"},
    });
    let got = house.put("/v1/catalog/register", &body).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
}

async fn nodes(house: &House, asked: &str) -> Vec<String> {
    let got = house.get(&format!("/v1/query/{asked}")).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let nodes = got.json()["Nodes"].as_array().unwrap().clone();
    let mut names: Vec<_> = nodes.iter().map(|n| n["Node"]["Node"].as_str().unwrap().to_owned()).collect();
    if !asked.contains("near") {
        names.sort();
    }
    names
}

#[tokio::test]
async fn a_query_is_made_shown_changed_and_deleted() {
    let house = house().await;
    let id =
        create(&house, &json!({"Name": "q", "Service": {"Service": "web"}, "DNS": {"TTL": "10s"}})).await;
    let got = house.get(&format!("/v1/query/{id}")).await;
    let shown = got.json()[0].clone();
    assert_eq!((&shown["Name"], &shown["DNS"]["TTL"]), (&json!("q"), &json!("10s")));
    assert_eq!(house.get("/v1/query").await.json(), json!([shown]));
    let changed =
        house.put(&format!("/v1/query/{id}"), &json!({"Name": "r", "Service": {"Service": "db"}})).await;
    assert_eq!((changed.status, changed.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(house.get(&format!("/v1/query/{id}")).await.json()[0]["Service"]["Service"], "db");
    assert_eq!(house.delete(&format!("/v1/query/{id}")).await.status, StatusCode::OK);
    for path in [id.as_str(), "r/execute", "r/explain"] {
        let gone = house.get(&format!("/v1/query/{path}")).await;
        assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NOT_FOUND, "Query not found"), "{path}");
    }
}

#[tokio::test]
async fn an_executed_query_finds_the_instances_that_fit() {
    let house = house().await;
    register(&house, "n1", "passing", &["v1"]).await;
    register(&house, "n2", "warning", &["v2"]).await;
    register(&house, "n3", "critical", &["v1"]).await;
    for (name, service, want) in [
        ("all", json!({"Service": "web"}), vec!["n1", "n2"]),
        ("passing", json!({"Service": "web", "OnlyPassing": true}), vec!["n1"]),
        ("tagged", json!({"Service": "web", "Tags": ["V1"]}), vec!["n1"]),
        ("untagged", json!({"Service": "web", "Tags": ["!v1"]}), vec!["n2"]),
        ("ignoring", json!({"Service": "web", "IgnoreCheckIDs": ["c"]}), vec!["n1", "n2", "n3"]),
        ("meta", json!({"Service": "web", "NodeMeta": {"rack": "7"}}), vec![]),
    ] {
        create(&house, &json!({"Name": name, "Service": service})).await;
        assert_eq!(nodes(&house, &format!("{name}/execute")).await, want, "{name}");
    }
    assert_eq!(nodes(&house, "all/execute?near=n2").await[0], "n2");
    assert_eq!(nodes(&house, "all/execute?limit=1").await.len(), 1);
}

#[tokio::test]
async fn the_longest_template_answers_a_name() {
    let house = house().await;
    register(&house, "n1", "passing", &["v1"]).await;
    let template = |name: &str, service: &str| {
        json!({
            "Name": name, "Template": {"Type": "name_prefix_match", "Regexp": "^geo-(.*?)-([^-]+?)$"},
            "Service": {"Service": service, "Tags": ["${match(2)}"]},
        })
    };
    create(&house, &template("geo-", "${match(1)}")).await;
    create(&house, &template("", "nothing")).await;
    assert_eq!(nodes(&house, "geo-web-v1/execute").await, ["n1"]);
    let explained = house.get("/v1/query/geo-web-v1/explain").await.json();
    assert_eq!(explained["Query"]["Service"]["Service"], "web");
    assert!(nodes(&house, "other/execute").await.is_empty());
}

#[tokio::test]
async fn queries_that_cannot_be_are_refused() {
    let house = house().await;
    create(&house, &json!({"Name": "taken", "Service": {"Service": "web"}})).await;
    for (query, text) in [
        (json!({"Name": "x"}), "Must provide a Service name"),
        (json!({"Name": "taken", "Service": {"Service": "web"}}), "aliases an existing query name"),
        (
            json!({"Name": "x", "Service": {"Service": "web"}, "Template": {"Type": "odd"}}),
            "unknown template type",
        ),
        (
            json!({"Service": {"Service": "web"}, "Template": {"Type": "name_prefix_match", "Regexp": "("}}),
            "Bad template",
        ),
        (json!({"Service": {"Service": "web"}, "Session": uuid::Uuid::nil()}), "invalid session"),
    ] {
        let got = house.send(Method::POST, "/v1/query", &[], &query.to_string()).await;
        assert!(got.status.is_client_error() || got.status.is_server_error(), "{query}");
        assert!(got.text.contains(text), "{query}: {}", got.text);
    }
}
