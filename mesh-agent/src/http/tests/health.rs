use super::harness::{House, house};
use http::StatusCode;
use serde_json::{Value, json};

async fn filled() -> House {
    let house = house().await;
    let body = json!({
        "Node": "alpha", "Address": "10.0.0.1", "NodeMeta": {"rack": "r1"},
        "Service": {"Service": "web"},
        "Checks": [
            {"CheckID": "node", "Name": "node", "Status": "passing"},
            {"CheckID": "service", "Name": "service", "ServiceID": "web", "Status": "warning"},
        ],
    });
    assert_eq!(house.put("/v1/catalog/register", &body).await.status, StatusCode::OK);
    house
}

fn ids(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|check| check["CheckID"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn checks_are_found_by_node_service_and_state() {
    let house = filled().await;
    let table: [(&str, &[&str]); 9] = [
        ("/v1/health/node/alpha", &["node", "service"]),
        ("/v1/health/node/nobody", &[]),
        ("/v1/health/checks/web", &["service"]),
        ("/v1/health/checks/nobody", &[]),
        ("/v1/health/state/any", &["node", "service"]),
        ("/v1/health/state/warning", &["service"]),
        ("/v1/health/state/critical", &[]),
        ("/v1/health/state/any?node-meta=rack:r2", &[]),
        ("/v1/health/state/any?filter=ServiceName+==+web", &["service"]),
    ];
    for (path, want) in table {
        assert_eq!(ids(&house.get(path).await.json()), want, "{path}");
    }
}

#[tokio::test]
async fn an_instance_comes_with_its_nodes_checks_too() {
    let house = filled().await;
    let entries = house.get("/v1/health/service/web").await.json();
    assert_eq!(ids(&entries[0]["Checks"]), ["node", "service"]);
    assert_eq!(
        (&entries[0]["Node"]["Node"], &entries[0]["Service"]["Service"]),
        (&json!("alpha"), &json!("web"))
    );
    assert_eq!(house.get("/v1/health/service/web?passing=1").await.json(), json!([]));
}

#[tokio::test]
async fn what_is_not_asked_properly_is_refused() {
    let house = filled().await;
    for path in [
        "/v1/health/service/",
        "/v1/health/node/",
        "/v1/health/checks/",
        "/v1/health/state/",
        "/v1/health/state/good",
        "/v1/health/service/a%2Fb",
        "/v1/health/service/web?passing=maybe",
        "/v1/health/service/web?filter=Nope+==+1",
        "/v1/health/state/any?filter=Nope+==+1",
    ] {
        assert_eq!(house.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}
