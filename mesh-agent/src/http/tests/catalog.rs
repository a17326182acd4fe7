use super::harness::{House, house};
use http::StatusCode;
use serde_json::{Value, json};

async fn filled() -> House {
    let house = house().await;
    for (node, tags, meta, status) in [
        ("alpha", json!(["v1", "Primary"]), json!({"rack": "r1"}), "passing"),
        ("beta", json!(["v2"]), json!({"rack": "r2"}), "critical"),
    ] {
        let body = json!({
            "Node": node, "Address": "10.0.0.1", "NodeMeta": meta,
            "Service": {"ID": "web-1", "Service": "web", "Tags": tags, "Port": 80, "Meta": {"zone": node}},
            "Check": {"CheckID": "c", "Name": "c", "ServiceID": "web-1", "Status": status},
        });
        let got = house.put("/v1/catalog/register", &body).await;
        assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "true"));
    }
    house
}

/// The node of each entry, whether it is a name or an object.
fn nodes_in(value: &Value) -> Vec<&str> {
    let items = value.as_array().unwrap().iter().map(|item| &item["Node"]);
    items.map(|node| node.as_str().unwrap_or_else(|| node["Node"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn reads_select_by_tag_metadata_health_distance_and_filter() {
    let house = filled().await;
    let table: [(&str, &[&str]); 14] = [
        ("/v1/catalog/nodes", &["alpha", "beta"]),
        ("/v1/catalog/nodes?node-meta=rack:r2", &["beta"]),
        ("/v1/catalog/nodes?node-meta=rack:r2&node-meta=rack:r1", &[]),
        ("/v1/catalog/nodes?near=beta", &["beta", "alpha"]),
        ("/v1/catalog/nodes?filter=Meta.rack+==+r1", &["alpha"]),
        ("/v1/catalog/service/web", &["alpha", "beta"]),
        ("/v1/catalog/service/WEB?tag=primary", &["alpha"]),
        ("/v1/catalog/service/web?tag=v1&tag=primary", &["alpha"]),
        ("/v1/catalog/service/web?tag=v1&tag=v2", &[]),
        ("/v1/catalog/service/web?near=_agent", &["alpha", "beta"]),
        ("/v1/catalog/service/web?filter=ServiceMeta.zone+!=+alpha", &["beta"]),
        ("/v1/health/service/web?passing", &["alpha"]),
        ("/v1/health/service/web?passing=false&near=beta", &["beta", "alpha"]),
        ("/v1/health/service/web?filter=Checks.Status+==+critical", &["beta"]),
    ];
    for (path, want) in table {
        let got = house.get(path).await;
        assert_eq!(nodes_in(&got.json()), want, "{path}");
    }
}

#[tokio::test]
async fn services_are_listed_with_their_tags() {
    let house = filled().await;
    assert_eq!(house.get("/v1/catalog/services").await.json(), json!({"web": ["Primary", "v1", "v2"]}));
    let one = house.get("/v1/catalog/services?node-meta=rack:r2").await;
    assert_eq!(one.json(), json!({"web": ["v2"]}));
    let none = house.get("/v1/catalog/services?filter=ServicePort+==+1").await;
    assert_eq!(none.json(), json!({}));
    assert_eq!(house.get("/v1/catalog/datacenters").await.json(), json!(["dc1"]));
}

#[tokio::test]
async fn a_node_is_shown_with_its_services() {
    let house = filled().await;
    let node = house.get("/v1/catalog/node/alpha").await.json();
    assert_eq!(
        (&node["Node"]["Node"], &node["Services"]["web-1"]["Service"]),
        (&json!("alpha"), &json!("web"))
    );
    let list = house.get("/v1/catalog/node-services/alpha").await.json();
    assert_eq!(list["Services"][0]["ID"], "web-1");
    let none = house.get("/v1/catalog/node/alpha?filter=Port+==+1").await.json();
    assert_eq!(none["Services"], json!({}));
    assert_eq!(house.get("/v1/catalog/node/nobody").await.json(), Value::Null);
    let nobody = house.get("/v1/catalog/node-services/nobody").await.json();
    assert_eq!(nobody, json!({"Node": null, "Services": []}));
}

#[tokio::test]
async fn connect_shows_the_proxies_of_a_service_in_both_spellings() {
    let house = house().await;
    let proxy = json!({"Node": "alpha", "Address": "10.0.0.1", "Service": {
        "Kind": "connect-proxy", "ID": "web-proxy", "Service": "web-proxy", "Port": 20000,
        "Proxy": {"DestinationServiceName": "web"},
    }});
    house.put("/v1/catalog/register", &proxy).await;
    let catalog = house.get("/v1/catalog/connect/web").await.json();
    assert_eq!(catalog[0]["ServiceName"], "web-proxy");
    assert_eq!(catalog[0]["ServiceProxyDestination"], "web");
    let health = house.get("/v1/health/connect/web").await.json();
    assert_eq!(health[0]["Service"]["Proxy"]["DestinationServiceName"], "web");
    assert_eq!(health[0]["Service"]["ProxyDestination"], "web");
}

#[tokio::test]
async fn registrations_that_make_no_sense_are_refused_and_name_the_field() {
    let house = house().await;
    let table = [
        (json!({"Node": "a", "Address": "1.2.3.4", "Sevice": {}}), "Sevice"),
        (json!({"Address": "1.2.3.4"}), "node"),
        (json!({"Node": "a"}), "address"),
        (json!({"Node": "a/../b", "Address": "1.2.3.4"}), "node"),
        (json!({"Node": "a", "Address": "1.2.3.4", "Service": {"Service": "a b"}}), "service.service"),
        (json!({"Node": "a", "Address": "1.2.3.4", "Service": {"Service": "x", "Port": "80"}}), "Port"),
        (json!({"Node": "a", "Address": "1.2.3.4", "Check": {"Name": "c", "Status": "good"}}), "status"),
        (json!([1]), "found"),
    ];
    for (body, want) in table {
        let got = house.put("/v1/catalog/register", &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}: {}", got.text);
        assert!(got.text.to_lowercase().contains(&want.to_lowercase()), "{body}: {}", got.text);
    }
    for body in ["", "{", "{\"Node\":\"a\",\"Node\":\"b\"}", "nonsense"] {
        let got = house.send(http::Method::PUT, "/v1/catalog/register", &[], body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let far = json!({"Node": "a", "Address": "1.2.3.4", "Datacenter": "mars"});
    let far = house.put("/v1/catalog/register", &far).await;
    assert_eq!(far.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn deregistering_takes_checks_services_and_nodes_and_repeats_without_error() {
    let house = filled().await;
    let service = json!({"Node": "beta", "ServiceID": "web-1"});
    for body in [json!({"Node": "beta", "CheckID": "c"}), service.clone(), service, json!({"Node": "beta"})] {
        let got = house.put("/v1/catalog/deregister", &body).await;
        assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, "true"), "{body}");
    }
    assert_eq!(nodes_in(&house.get("/v1/catalog/nodes").await.json()), ["alpha"]);
}

#[tokio::test]
async fn the_ui_sees_nodes_and_sums() {
    let house = filled().await;
    let nodes = house.get("/v1/internal/ui/nodes").await.json();
    assert_eq!((nodes_in(&nodes), &nodes[0]["Checks"][0]["CheckID"]), (vec!["alpha", "beta"], &json!("c")));
    let services = house.get("/v1/internal/ui/services").await.json();
    assert_eq!(services[0]["Name"], "web");
    assert_eq!((&services[0]["ChecksPassing"], &services[0]["ChecksCritical"]), (&json!(1), &json!(1)));
    assert_eq!(house.get("/v1/internal/ui/node/nobody").await.status, StatusCode::NOT_FOUND);
}
