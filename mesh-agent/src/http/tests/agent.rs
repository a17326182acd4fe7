use super::harness::{House, house};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn register(house: &House, body: &Value) {
    let got = house.put("/v1/agent/service/register", body).await;
    assert_eq!((got.status, got.text.as_str()), (StatusCode::OK, ""), "{body}");
}

async fn put(house: &House, path: &str) -> StatusCode {
    house.send(Method::PUT, path, &[], "null").await.status
}

fn web() -> Value {
    json!({"Name": "web", "Port": 80, "Check": {"TTL": "10s"}})
}

#[tokio::test]
async fn a_service_lives_from_register_to_deregister() {
    let house = house().await;
    register(&house, &web()).await;
    let services = house.get("/v1/agent/services").await.json();
    assert_eq!((&services["web"]["Service"], &services["web"]["Port"]), (&json!("web"), &json!(80)));
    let none = house.get("/v1/agent/services?filter=Port+==+81").await;
    assert_eq!(none.json(), json!({}));
    assert_eq!(put(&house, "/v1/agent/service/deregister/web").await, StatusCode::OK);
    let again = house.send(Method::PUT, "/v1/agent/service/deregister/web", &[], "").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.text.starts_with("Unknown service ID \"web\""), "{}", again.text);
    assert_eq!(house.get("/v1/agent/service/web").await.text, "unknown service ID: web");
}

#[tokio::test]
async fn a_read_by_hash_waits_for_another_hash() {
    let house = house().await;
    register(&house, &web()).await;
    let one = house.get("/v1/agent/service/web").await;
    let hash = one.header("x-consul-contenthash").to_owned();
    assert_eq!(one.json()["ContentHash"], hash.as_str());
    let path = format!("/v1/agent/service/web?hash={hash}&wait=30s");
    let changed = json!({"Name": "web", "Port": 81});
    let (next, ()) = tokio::join!(house.get(&path), register(&house, &changed));
    assert_ne!(next.header("x-consul-contenthash"), hash);
    assert_eq!(next.json()["Port"], 81);
    let hash = next.header("x-consul-contenthash");
    let same = house.get(&format!("/v1/agent/service/web?hash={hash}&wait=50ms")).await;
    assert_eq!(same.header("x-consul-contenthash"), hash);
    let path = format!("/v1/agent/service/web?hash={hash}&wait=30s");
    let (gone, _) = tokio::join!(house.get(&path), put(&house, "/v1/agent/service/deregister/web"));
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn checks_that_a_service_does_not_bring_again_stay_unless_replaced() {
    let house = house().await;
    register(&house, &web()).await;
    let extra = json!({"ID": "extra", "Name": "extra", "ServiceID": "web", "TTL": "5s"});
    assert_eq!(house.put("/v1/agent/check/register", &extra).await.status, StatusCode::OK);
    register(&house, &json!({"Name": "web", "Port": 80})).await;
    assert_eq!(house.get("/v1/agent/checks").await.json().as_object().unwrap().len(), 2);
    let replace = "/v1/agent/service/register?replace-existing-checks=true";
    assert_eq!(house.put(replace, &json!({"Name": "web", "Port": 80})).await.status, StatusCode::OK);
    assert_eq!(house.get("/v1/agent/checks").await.json(), json!({}));
}

#[tokio::test]
async fn a_ttl_check_is_set_by_its_service() {
    let house = house().await;
    register(&house, &web()).await;
    let check =
        |value: Value| (value["service:web"]["Status"].clone(), value["service:web"]["Output"].clone());
    for (path, status) in [("pass", "passing"), ("warn", "warning"), ("fail", "critical")] {
        assert_eq!(put(&house, &format!("/v1/agent/check/{path}/service:web?note=n")).await, StatusCode::OK);
        let found = check(house.get("/v1/agent/checks").await.json());
        assert_eq!(found, (json!(status), json!("n")));
    }
    let update = json!({"Status": "passing", "Output": "fine"});
    assert_eq!(house.put("/v1/agent/check/update/service:web", &update).await.status, StatusCode::OK);
    assert_eq!(check(house.get("/v1/agent/checks").await.json()), (json!("passing"), json!("fine")));
    let bad = house.put("/v1/agent/check/update/service:web", &json!({"Status": "good"})).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(put(&house, "/v1/agent/check/pass/nope").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_check_with_a_probe_is_not_set_by_hand() {
    let house = house().await;
    let probe = json!({"ID": "p", "Name": "p", "TCP": "127.0.0.1:1", "Interval": "10s"});
    assert_eq!(house.put("/v1/agent/check/register", &probe).await.status, StatusCode::OK);
    let got = house.send(Method::PUT, "/v1/agent/check/pass/p", &[], "").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert!(got.text.contains("does not have associated TTL"), "{}", got.text);
    assert_eq!(put(&house, "/v1/agent/check/deregister/p").await, StatusCode::OK);
    assert_eq!(put(&house, "/v1/agent/check/deregister/p").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn registrations_that_make_no_sense_are_refused_and_change_nothing() {
    let house = house().await;
    let table = [
        ("/v1/agent/service/register", json!({"Name": "web", "Prot": 80})),
        ("/v1/agent/service/register", json!({"Port": 80})),
        ("/v1/agent/service/register", json!({"Name": "a/../b"})),
        ("/v1/agent/service/register", json!({"Name": "web", "Port": 70000})),
        ("/v1/agent/service/register", json!({"Name": "web", "Check": {"HTTP": "http://x"}})),
        ("/v1/agent/service/register", json!({"Name": "web", "Check": {"Args": ["sh"], "Interval": "1s"}})),
        ("/v1/agent/service/register?replace-existing-checks=x", json!({"Name": "web"})),
        ("/v1/agent/check/register", json!({"Name": "c", "TTL": "1s", "ServiceID": "nobody"})),
        ("/v1/agent/check/register", json!({"Name": "c"})),
        ("/v1/agent/check/register", json!({"Name": "c", "Args": ["sh"], "Interval": "1s"})),
    ];
    for (path, body) in table {
        let got = house.put(path, &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", got.text);
        assert!(!got.text.is_empty() && !got.text.contains('\n'), "{}", got.text);
    }
    assert_eq!(house.get("/v1/agent/services").await.json(), json!({}));
    assert_eq!(house.get("/v1/agent/checks").await.json(), json!({}));
}

#[tokio::test]
async fn health_of_a_local_service_shows_in_the_status_code() {
    let house = house().await;
    register(&house, &web()).await;
    for (report, status, text) in
        [("pass", 200, "passing"), ("warn", 429, "warning"), ("fail", 503, "critical")]
    {
        put(&house, &format!("/v1/agent/check/{report}/service:web")).await;
        for path in ["/v1/agent/health/service/id/web", "/v1/agent/health/service/name/web"] {
            let got = house.get(path).await;
            assert_eq!(got.status.as_u16(), status, "{path}");
            assert_eq!(house.get(&format!("{path}?format=text")).await.text, text);
        }
    }
    let name = house.get("/v1/agent/health/service/name/web").await.json();
    assert_eq!(name[0]["AggregatedStatus"], "critical");
    put(&house, "/v1/agent/check/pass/service:web").await;
    put(&house, "/v1/agent/service/maintenance/web?enable=true&reason=why").await;
    let down = house.get("/v1/agent/health/service/id/web").await;
    assert_eq!((down.status.as_u16(), &down.json()["AggregatedStatus"]), (503, &json!("maintenance")));
    let none = house.get("/v1/agent/health/service/id/nobody").await;
    assert_eq!((none.status.as_u16(), &none.json()["Service"]), (404, &Value::Null));
    assert_eq!(house.get("/v1/agent/health/service/name/nobody").await.json(), json!([]));
    let text =
        house.send(Method::GET, "/v1/agent/health/service/id/nobody", &[("accept", "text/plain")], "").await;
    assert_eq!(text.text, "ServiceId nobody not found");
}

#[tokio::test]
async fn maintenance_is_a_critical_check_that_comes_and_goes() {
    let house = house().await;
    register(&house, &web()).await;
    for (path, check) in [
        ("/v1/agent/service/maintenance/web", "_service_maintenance:web"),
        ("/v1/agent/maintenance", "_node_maintenance"),
    ] {
        assert_eq!(put(&house, &format!("{path}?enable=true&reason=why")).await, StatusCode::OK);
        let found = house.get("/v1/agent/checks").await.json();
        assert_eq!((&found[check]["Status"], &found[check]["Notes"]), (&json!("critical"), &json!("why")));
        assert_eq!(put(&house, &format!("{path}?enable=false")).await, StatusCode::OK);
        assert_eq!(house.get("/v1/agent/checks").await.json()[check], Value::Null);
        for bad in ["", "?enable=", "?enable=maybe"] {
            assert_eq!(put(&house, &format!("{path}{bad}")).await, StatusCode::BAD_REQUEST, "{path}{bad}");
        }
    }
    assert_eq!(put(&house, "/v1/agent/service/maintenance/nobody?enable=true").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_managed_proxy_is_told_how_to_run() {
    let house = house().await;
    let upstream = json!({"destination_name": "db", "local_bind_port": 9191});
    register(
        &house,
        &json!({"Name": "web", "Port": 80, "Connect": {"Proxy": {"Config": {"upstreams": [upstream]}}}}),
    )
    .await;
    let got = house.get("/v1/agent/connect/proxy/web-proxy").await;
    let proxy = got.json();
    assert_eq!((&proxy["TargetServiceID"], &proxy["TargetServiceName"]), (&json!("web"), &json!("web")));
    assert_eq!(proxy["Config"]["local_service_address"], "127.0.0.1:80");
    assert_eq!(proxy["Upstreams"][0]["DestinationName"], "db");
    assert_eq!(got.header("x-consul-contenthash"), proxy["ContentHash"]);
    assert_eq!(house.get("/v1/agent/connect/proxy/web").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_agent_tells_who_it_is() {
    let house = house().await;
    let own = house.get("/v1/agent/self").await.json();
    for key in ["Config", "DebugConfig", "Coord", "Member", "Stats", "Meta", "xDS"] {
        assert!(own.get(key).is_some(), "{key}");
    }
    assert_eq!((&own["Config"]["NodeName"], &own["Config"]["Version"]), (&json!("alpha"), &json!("1.2.4")));
    assert_eq!(own["Stats"]["consul"]["leader"], "true");
    let members = house.get("/v1/agent/members").await.json();
    assert_eq!((&members[0]["Name"], &members[0]["Status"]), (&json!("alpha"), &json!(1)));
    assert_eq!(members[0]["Tags"]["role"], "consul");
    assert_eq!(house.get("/v1/agent/members?wan=1").await.json()[0]["Name"], "alpha.dc1");
    assert_eq!(house.get("/v1/agent/version").await.json()["HumanVersion"], "1.2.4");
    assert_eq!(house.get("/v1/coordinate/node/alpha").await.json()[0]["Node"], "alpha");
    assert_eq!(house.get("/v1/coordinate/node/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_agent_does_what_it_is_told_or_says_why_not() {
    let house = house().await;
    assert_eq!(put(&house, "/v1/agent/reload").await, StatusCode::OK);
    assert_eq!(put(&house, "/v1/agent/leave").await, StatusCode::OK);
    assert_eq!(house.control.reloads.load(Ordering::SeqCst), 1);
    assert_eq!(house.control.leaves.load(Ordering::SeqCst), 1);
    assert_eq!(put(&house, "/v1/agent/join/10.0.0.9").await, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(put(&house, "/v1/agent/force-leave/nobody").await, StatusCode::NOT_FOUND);
    let token = house.put("/v1/agent/token/agent", &json!({"Token": "x"})).await;
    assert_eq!((token.status, token.text.as_str()), (StatusCode::UNAUTHORIZED, "ACL support disabled"));
}

#[tokio::test]
async fn what_the_agent_measures_is_shown_in_both_forms() {
    let house = house().await;
    let report = house.get("/v1/agent/metrics").await.json();
    assert_eq!(report["Timestamp"], "2023-11-14 22:13:20 +0000 UTC");
    let text = house.get("/v1/agent/metrics?format=prometheus").await;
    assert!(text.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert_eq!(house.get("/v1/agent/metrics?format=xml").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.get("/v1/agent/host").await.json()["Host"]["os"], "linux");
}

#[tokio::test]
async fn the_log_is_followed_line_by_line_at_the_level_asked_for() {
    let house = house().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = b"GET /v1/agent/monitor?loglevel=debug HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut seen = read_until(&mut stream, "\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 200 OK"), "{seen}");
    for line in ["first", "second"] {
        tracing::dispatcher::with_default(&house.dispatch, || tracing::debug!("{line}"));
        seen = read_until(&mut stream, line).await;
    }
    assert!(seen.contains("DEBUG"), "{seen}");
    assert_eq!(house.get("/v1/agent/monitor?loglevel=loud").await.status, StatusCode::BAD_REQUEST);
}

/// What comes until these words do.
async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(words) {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut bytes)).await;
        let read = read.unwrap_or_else(|_| panic!("{words:?} did not come: {seen}")).unwrap();
        assert!(read > 0, "closed before {words:?} came: {seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    seen
}
