use super::harness::house;
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn roots_come_as_json_and_as_pem() {
    let house = house().await;
    let roots = house.get("/v1/connect/ca/roots").await;
    assert!(roots.index() > 0);
    let roots = roots.json();
    assert_eq!(roots["ActiveRootID"], roots["Roots"][0]["ID"]);
    assert!(roots["TrustDomain"].as_str().unwrap().ends_with(".consul"));
    let pem = house.get("/v1/connect/ca/roots?pem=true").await;
    assert_eq!(pem.header("content-type"), "application/pem-certificate-chain");
    assert!(pem.text.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(house.get("/v1/connect/ca/roots?pem=maybe").await.status, StatusCode::BAD_REQUEST);
    let agent = house.get("/v1/agent/connect/ca/roots").await;
    assert_eq!((agent.header("x-cache"), agent.json()), ("HIT", roots));
}

#[tokio::test]
async fn the_configuration_never_shows_a_key_and_can_be_replaced() {
    let house = house().await;
    let path = "/v1/connect/ca/configuration";
    let shown = house.get(path).await;
    assert_eq!(shown.json()["Provider"], "consul");
    assert!(!shown.text.contains("PRIVATE KEY"), "{}", shown.text);
    let wanted = json!({"Provider": "consul", "Config": {"LeafCertTTL": "24h"}});
    assert_eq!(house.put(path, &wanted).await.status, StatusCode::OK);
    assert_eq!(house.get(path).await.json()["Config"]["LeafCertTTL"], "24h0m0s");
    for bad in [
        json!({"Provider": "nobody"}),
        json!({"Provider": "consul", "Config": {"LeafCertTTL": "1s"}}),
        json!({"Nope": 1}),
    ] {
        let got = house.put(path, &bad).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{bad}: {}", got.text);
    }
}

#[tokio::test]
async fn authorize_answers_for_this_mesh_alone() {
    let house = house().await;
    let domain = house.get("/v1/connect/ca/roots").await.json()["TrustDomain"].as_str().unwrap().to_owned();
    let ask = |uri: String| {
        let body = json!({"Target": "db", "ClientCertURI": uri, "ClientCertSerial": "01"}).to_string();
        let house = &house;
        async move { house.send(Method::POST, "/v1/agent/connect/authorize", &[], &body).await }
    };
    for datacenter in ["dc1", "dc2"] {
        let own = ask(format!("spiffe://{domain}/ns/default/dc/{datacenter}/svc/web")).await;
        assert_eq!(own.json()["Authorized"], true, "{}", own.text);
    }
    let got = ask("spiffe://evil.consul/ns/default/dc/dc1/svc/web".to_owned()).await.json();
    assert_eq!(got["Authorized"], false);
    assert!(got["Reason"].as_str().unwrap().contains("external"), "{got}");
    for bad in [
        "",
        "https://x",
        "spiffe://x.consul/ns/default/dc/dc1/svc/web/",
        "spiffe://x.consul/ns/default/dc/dc1/svc/%61pi",
    ] {
        assert_eq!(ask(bad.to_owned()).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_leaf_is_given_with_its_key_and_waited_for() {
    let house = house().await;
    let none = house.get("/v1/agent/connect/ca/leaf/web").await;
    assert_eq!(none.status, StatusCode::INTERNAL_SERVER_ERROR);
    house.leaves.issue(7);
    let leaf = house.get("/v1/agent/connect/ca/leaf/web").await;
    assert_eq!((leaf.index(), leaf.header("cache-control")), (7, "no-store"));
    assert_eq!((&leaf.json()["PrivateKeyPEM"], &leaf.json()["Service"]), (&json!("KEY"), &json!("web")));
    let (next, ()) = tokio::join!(house.get("/v1/agent/connect/ca/leaf/web?index=7&wait=30s"), async {
        tokio::task::yield_now().await;
        house.leaves.issue(9);
    });
    assert_eq!((next.index(), &next.json()["SerialNumber"]), (9, &json!("09")));
    let same = house.get("/v1/agent/connect/ca/leaf/web?index=9&wait=50ms").await;
    assert_eq!(same.index(), 9);
    assert_eq!(house.get("/v1/agent/connect/ca/leaf/a*").await.status, StatusCode::BAD_REQUEST);
}
