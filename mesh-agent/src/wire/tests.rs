use super::decode::{Style, from_json, from_value, parse_hcl};
use super::*;
use crate::model::{self, CheckStatus, Probe, ProxyRequest};
use serde_json::{Value, json};
use std::time::Duration;

fn service(body: &Value) -> Result<model::ServiceDefinition, String> {
    let wire: ServiceDefinition = from_json(body.to_string().as_bytes()).map_err(|e| e.to_string())?;
    wire.try_into().map_err(|e: FieldError| e.to_string())
}

fn check(body: &Value) -> Result<model::CheckDefinition, String> {
    let wire: CheckDefinition = from_json(body.to_string().as_bytes()).map_err(|e| e.to_string())?;
    wire.into_model(CheckOf::Agent).map_err(|e| e.to_string())
}

#[test]
fn the_managed_form_asks_for_a_proxy_with_its_upstreams() {
    let body = json!({"name": "service-A", "port": 80, "connect": {"proxy": {"config": {
        "upstreams": [{"destination_name": "service-B", "local_bind_port": 12000}]}}}});
    let definition = service(&body).unwrap();
    let Some(ProxyRequest::Managed(proxy)) = definition.proxy else { panic!("not managed") };
    assert_eq!(proxy.upstreams[0].destination.as_str(), "service-B");
    assert_eq!(proxy.upstreams[0].local_bind_address.to_string(), "127.0.0.1");
    assert_eq!(proxy.upstreams[0].local_bind_port, 12000);
    assert!(proxy.config.contains_key("upstreams"));
}

#[test]
fn the_sidecar_form_brings_its_checks_and_upstreams() {
    let body = json!({"name": "echo", "id": "echo-1", "port": 1, "connect": {"sidecar_service": {"port": 2,
        "checks": [{"name": "listening", "tcp": "127.0.0.1:2", "interval": "1s"}],
        "proxy": {"upstreams": [{"destination_name": "db", "local_bind_port": 9191}]}}}});
    let definition = service(&body).unwrap();
    let Some(ProxyRequest::Sidecar(sidecar)) = definition.proxy else { panic!("not a sidecar") };
    let checks = sidecar.checks.unwrap();
    assert_eq!(checks[0].id.as_str(), "service:echo-1-sidecar-proxy");
    assert_eq!(checks[0].service.as_ref().unwrap().as_str(), "echo-1-sidecar-proxy");
    assert_eq!((sidecar.port, sidecar.upstreams.len()), (Some(2), 1));
}

#[test]
fn a_proxy_is_registered_in_the_old_spelling_and_the_new() {
    let old = json!({"Name": "web-proxy", "Kind": "connect-proxy", "ProxyDestination": "web", "Port": 1});
    let new = json!({"Name": "web-proxy", "Kind": "connect-proxy", "Port": 1,
        "Proxy": {"DestinationServiceName": "web", "MeshGateway": {}, "Expose": {}}});
    assert_eq!(service(&old).unwrap(), service(&new).unwrap());
    let shown = serde_json::to_value(Service::from(&service(&new).unwrap())).unwrap();
    assert_eq!(shown["ProxyDestination"], "web");
    assert_eq!(shown["Proxy"]["DestinationServiceName"], "web");
}

#[test]
fn checks_get_the_ids_that_clients_look_for() {
    let one = service(&json!({"name": "web", "check": {"ttl": "10s"}})).unwrap();
    assert_eq!(one.checks[0].id.as_str(), "service:web");
    assert_eq!(one.checks[0].name, "Service 'web' check");
    let two = service(&json!({"name": "web", "check": {"ttl": "10s"},
        "checks": [{"tcp": "a:1", "interval": "1s"}, {"check_id": "own", "ttl": "1s"}]}));
    let ids: Vec<_> = two.unwrap().checks.iter().map(|c| c.id.to_string()).collect();
    assert_eq!(ids, ["service:web:1", "service:web:2", "own"]);
    assert_eq!(check(&json!({"name": "disk", "ttl": "1m"})).unwrap().id.as_str(), "disk");
    assert!(service(&json!({"name": "web", "Check": {}, "Checks": null})).unwrap().checks.is_empty());
}

#[test]
fn a_check_probes_exactly_one_thing() {
    let table = [
        (json!({"name": "x"}), "it says nothing to check"),
        (
            json!({"name": "x", "ttl": "1s", "tcp": "a:1", "interval": "1s"}),
            "two things to check, tcp and ttl",
        ),
        (json!({"name": "x", "http": "http://a"}), "interval: a http check needs an interval"),
        (json!({"name": "x", "ttl": "1s", "interval": "1s"}), "interval: a check has an interval or a ttl"),
        (
            json!({"name": "x", "http": "localhost", "interval": "1s"}),
            "http: found \"localhost\", want a URL",
        ),
        (json!({"name": "x", "http": "file:///etc/passwd", "interval": "1s"}), "begins with http://"),
        (json!({"name": "x", "http": "http://a", "method": "G T", "interval": "1s"}), "method: "),
        (
            json!({"name": "x", "docker_container_id": "a", "args": ["x"], "interval": "1s"}),
            "docker_container_id: ",
        ),
        (json!({"name": "x", "args": [""], "interval": "1s"}), "args: the first is the program"),
        (json!({"name": "x", "args": ["a"], "script": "b", "interval": "1s"}), "script: "),
        (json!({"name": "x", "ttl": "1s", "status": "well"}), "status: found \"well\""),
        (json!({"ttl": "1s"}), "name: a check needs a name"),
        (json!({"name": "x", "ttl": "-1s"}), "ttl: "),
        (json!({"name": "x", "ttl": "1s", "namespace": "team"}), "namespace: "),
    ];
    for (body, wanted) in table {
        let error = check(&body).unwrap_err();
        assert!(error.contains(wanted), "{body}: {error}");
    }
}

#[test]
fn a_check_has_consuls_defaults() {
    let http = check(&json!({"Name": "x", "HTTP": "http://a", "Interval": "5s"})).unwrap();
    assert_eq!(http.timeout, Duration::from_secs(5));
    assert_eq!((http.success_before_passing, http.failures_before_critical), (1, 1));
    assert_eq!((http.initial, http.output_max_size), (CheckStatus::Critical, 4096));
    let script = check(&json!({"name": "x", "ScriptArgs": ["a", "b"], "interval": "1h"})).unwrap();
    assert_eq!(script.probe, Probe::Script { args: vec!["a".into(), "b".into()] });
    let shell = check(&json!({"name": "x", "script": "exit 1", "interval": "1ns"})).unwrap();
    assert_eq!(shell.interval, Duration::from_millis(100));
    assert_eq!(shell.probe, Probe::Script { args: vec!["/bin/sh".into(), "-c".into(), "exit 1".into()] });
}

#[test]
fn a_service_that_makes_no_sense_is_refused_by_field() {
    let upstream = json!({"destination_name": "db", "local_bind_port": 1});
    let table = [
        (json!({}), "name: service name \"\" is not valid"),
        (json!({"name": "a/../b"}), "name: "),
        (json!({"name": "web", "port": 70000}), "port: found the number 70000"),
        (json!({"name": "web", "address": "0.0.0.0"}), "address: "),
        (json!({"name": "web", "meta": {"a b": ""}}), "meta: key \"a b\""),
        (json!({"name": "web", "kind": "mesh-gateway"}), "kind: "),
        (json!({"name": "web", "kind": "connect-proxy", "port": 1}), "proxy.destination_service_name: "),
        (json!({"name": "p", "kind": "connect-proxy", "proxy_destination": "web"}), "port: "),
        (json!({"name": "web", "proxy": {"upstreams": [upstream]}}), "did you mean connect.proxy?"),
        (json!({"name": "web", "weights": {"passing": 0}}), "weights.passing: "),
        (json!({"name": "web", "checks": [{"ttl": "1s"}, {}, {"http": "http://a"}]}), "checks[1].interval: "),
        (json!({"name": "web", "connect": {"native": true, "proxy": {}}}), "connect.native: "),
        (json!({"name": "web", "connect": {"proxy": {}, "sidecar_service": {}}}), "connect.proxy: "),
        (
            json!({"name": "web", "connect": {"proxi": {}}}),
            "connect: unknown key \"proxi\": did you mean \"proxy\"?",
        ),
        (
            json!({"name": "web", "connect": {"proxy": {"config": {"upstreams": [{"local_bind_prt": 1}]}}}}),
            "connect.proxy.config.upstreams[0]: unknown key \"local_bind_prt\": did you mean \"local_bind_port\"?",
        ),
        (
            json!({"name": "web", "connect": {"proxy": {"config": {"upstreams": [upstream, upstream]}}}}),
            "connect.proxy.config.upstreams[1].local_bind_port: another upstream",
        ),
        (
            json!({"name": "web", "connect": {"sidecar_service": {"proxy": {"upstreams": [{"destination_name": "db"}]}}}}),
            "connect.sidecar_service.proxy.upstreams[0].local_bind_port: ",
        ),
        (json!({"name": "web", "connect": {"sidecar_service": {"id": "x"}}}), "connect.sidecar_service.id: "),
        (
            json!({"name": "web", "proxy": {"expose": {"checks": true}}, "kind": "connect-proxy"}),
            "proxy.expose: ",
        ),
    ];
    for (body, wanted) in table {
        let error = service(&body).unwrap_err();
        assert!(error.contains(wanted), "{body}: {error}");
    }
}

#[test]
fn hcl_defines_what_json_does() {
    let hcl = r#"
        name = "web"
        port = "8080"
        tags = ["a"]
        check { http = "http://a" interval = "10s" header { Authorization = ["x"] } }
        connect { sidecar_service { proxy { upstreams { destination_name = "db" local_bind_port = 9191 } } } }
    "#;
    let wire: ServiceDefinition = from_value(parse_hcl(hcl).unwrap(), Style::Config).unwrap();
    let json = json!({"name": "web", "port": 8080, "tags": ["a"],
        "check": {"http": "http://a", "interval": "10s", "header": {"Authorization": ["x"]}},
        "connect": {"sidecar_service": {"proxy": {"upstreams": [
            {"destination_name": "db", "local_bind_port": 9191}]}}}});
    assert_eq!(model::ServiceDefinition::try_from(wire).unwrap(), service(&json).unwrap());
}

#[test]
fn a_definition_survives_being_sent() {
    let body = json!({"name": "web", "port": 1, "check": {"ttl": "90s"}, "weights": {"passing": 3},
        "connect": {"sidecar_service": {"port": 2}}});
    let wire: ServiceDefinition = from_json(body.to_string().as_bytes()).unwrap();
    let sent = serde_json::to_vec(&wire).unwrap();
    assert_eq!(from_json::<ServiceDefinition>(&sent).unwrap(), wire);
    assert!(String::from_utf8(sent).unwrap().contains("\"TTL\":\"1m30s\""));
}

#[test]
fn a_service_is_shown_under_consuls_names_with_lists_and_objects_never_null() {
    let shown =
        serde_json::to_value(Service::from(&service(&json!({"name": "web"})).unwrap().service)).unwrap();
    let wanted = json!({"ID": "web", "Service": "web", "Tags": [], "Meta": {}, "Port": 0, "Address": "",
        "Weights": {"Passing": 1, "Warning": 1}, "EnableTagOverride": false, "Connect": {},
        "CreateIndex": 0, "ModifyIndex": 0});
    assert_eq!(shown, wanted);
}

#[test]
fn a_content_hash_changes_with_the_content_alone() {
    let web = Service::from(&service(&json!({"name": "web"})).unwrap().service).hashed();
    assert_eq!(web.content_hash.len(), 16);
    assert_eq!(web.clone().hashed().content_hash, web.content_hash);
    assert_ne!(Service { port: 1, ..web.clone() }.hashed().content_hash, web.content_hash);
}

#[test]
fn a_catalog_registration_fills_in_what_follows() {
    let body = json!({"Node": "ext", "Address": "10.0.0.9", "Service": {"Service": "db", "Port": 5432},
        "Check": {"Name": "alive", "Status": "passing", "ServiceID": "db"}, "Checks": null});
    let wire: CatalogRegistration = from_json(body.to_string().as_bytes()).unwrap();
    let registered = wire.into_model(&model::Datacenter::new("dc1").unwrap()).unwrap();
    assert_eq!(registered.node.datacenter.as_str(), "dc1");
    assert_eq!(registered.checks[0].id.as_str(), "alive");
    assert_eq!(registered.checks[0].service_name.as_ref().unwrap().as_str(), "db");
    let other = json!({"Node": "a", "Address": "x", "Check": {"Node": "b", "Name": "c"}});
    let wire: CatalogRegistration = from_json(other.to_string().as_bytes()).unwrap();
    let error = wire.into_model(&model::Datacenter::new("dc1").unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("checks[0].node: "), "{error}");
}

#[test]
fn an_intention_is_what_the_go_client_sends_and_reads() {
    let body = json!({"ID": "", "Description": "", "SourceNS": "", "SourceName": "web", "DestinationNS": "",
        "DestinationName": "db", "SourceType": "consul", "Action": "allow", "Meta": null, "Precedence": 0,
        "CreatedAt": "0001-01-01T00:00:00Z", "UpdatedAt": "0001-01-01T00:00:00Z", "Hash": null,
        "CreateIndex": 0, "ModifyIndex": 0});
    let wire: Intention = from_json(body.to_string().as_bytes()).unwrap();
    let intention = wire.into_model(uuid::Uuid::nil(), 1_526_920_887_977).unwrap();
    let shown = serde_json::to_value(Intention::from(&intention)).unwrap();
    assert_eq!((&shown["SourceNS"], &shown["Precedence"]), (&json!("default"), &json!(9)));
    assert_eq!(shown["CreatedAt"], "2018-05-21T16:41:27.977Z");
}

#[test]
fn an_intention_that_would_not_be_enforced_is_refused() {
    for (key, value) in [
        ("SourceName", json!("web*")),
        ("SourceName", json!("")),
        ("Action", json!("")),
        ("Action", json!("ALLOW")),
        ("SourceNS", json!("team")),
        ("SourceType", json!("ip")),
        ("SourcePeer", json!("other")),
        ("Permissions", json!([{"Action": "allow"}])),
        ("Meta", json!({"consul-x": ""})),
    ] {
        let mut body = json!({"SourceName": "web", "DestinationName": "db", "Action": "deny"});
        body[key] = value;
        let wire: Intention = from_json(body.to_string().as_bytes()).unwrap();
        assert!(wire.into_model(uuid::Uuid::nil(), 0).is_err(), "{body}");
    }
}

#[test]
fn a_private_key_is_never_shown_with_the_configuration_of_the_ca() {
    let mut config = model::Opaque::new();
    for key in ["PrivateKey", "private_key", "LeafCertTTL"] {
        config.insert(key.to_owned(), json!("x"));
    }
    let config = model::CaConfig {
        cluster_id: uuid::Uuid::nil(),
        provider: "consul".to_owned(),
        config,
        index: model::RaftIndex::default(),
    };
    let shown = serde_json::to_value(CaConfiguration::from(&config)).unwrap();
    assert_eq!(shown["Config"], json!({"LeafCertTTL": "x"}));
}

#[test]
fn no_body_makes_a_reader_panic() {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    const BODIES: [&str; 3] = [
        r#"{"Name":"web","Port":80,"Check":{"HTTP":"http://a","Interval":"10s","Header":{"a":["b"]}},"Meta":{"a":"b"},
            "Connect":{"SidecarService":{"Proxy":{"Upstreams":[{"DestinationName":"db","LocalBindPort":1}]}}}}"#,
        r#"{"Node":"n","Address":"1.2.3.4","Service":{"Service":"db","Weights":{"Passing":1}},"Checks":[{"CheckID":"c"}]}"#,
        r#"{"SourceName":"web","DestinationName":"*","Action":"allow","Meta":{"a":"b"},"Precedence":9}"#,
    ];
    const PIECES: [&str; 12] = ["{", "}", "[", "]", "\"", ":", ",", "null", "-1", "1e99", "\\u0000", "é"];
    let mut random = StdRng::seed_from_u64(11);
    for _ in 0..3_000 {
        let mut body: Vec<char> = BODIES[random.random_range(0..BODIES.len())].chars().collect();
        for _ in 0..random.random_range(0..4) {
            let start = random.random_range(0..body.len());
            let end = (start + random.random_range(0..8)).min(body.len());
            body.splice(start..end, PIECES[random.random_range(0..PIECES.len())].chars());
        }
        let body = String::from_iter(body).into_bytes();
        let here = model::Datacenter::new("dc1").unwrap();
        drop(from_json::<ServiceDefinition>(&body).map(model::ServiceDefinition::try_from));
        drop(from_json::<CatalogRegistration>(&body).map(|wire| wire.into_model(&here)));
        drop(from_json::<Intention>(&body).map(|wire| wire.into_model(uuid::Uuid::nil(), 0)));
        drop(from_json::<CheckDefinition>(&body).map(|wire| wire.into_model(CheckOf::Agent)));
    }
}
