use super::*;
use crate::model::{IntentionAction, ProxyRequest};
use std::fs;
use tempfile::TempDir;

fn host() -> Host {
    Host { name: "host-1".to_owned(), addresses: vec!["10.0.0.5".parse().unwrap()] }
}

/// Loads with a line of flags and files of these names and texts.
fn load_with(flags: &str, files: &[(&str, &str)]) -> Result<Loaded, String> {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let mut arguments: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
    if !files.is_empty() {
        arguments.push(format!("-config-dir={}", directory.path().display()));
    }
    let command_line = CommandLine::parse(&arguments).map_err(|e| e.to_string())?;
    let loaded = load(&command_line, &host());
    loaded.map_err(|e| e.to_string().replace(&format!("{}/", directory.path().display()), ""))
}

fn dev(text: &str, name: &str) -> Result<Loaded, String> {
    load_with("-dev", &[(name, text)])
}

const SERVER: &str = "server = true\nbootstrap = true\ndata_dir = \"/tmp/x\"\n";

#[test]
fn a_development_agent_needs_nothing() {
    let runtime = load_with("-dev", &[]).unwrap().runtime;
    assert_eq!(runtime.network.http, ["127.0.0.1:8500".parse().unwrap()]);
    assert_eq!(runtime.network.dns, ["127.0.0.1:8600".parse().unwrap()]);
    assert_eq!(runtime.network.advertise.to_string(), "127.0.0.1");
    assert_eq!((runtime.node.name.as_str(), runtime.node.datacenter.as_str()), ("host-1", "dc1"));
    assert_eq!(runtime.dns.domains, ["consul", "mesh"]);
    assert_eq!(runtime.data_dir, None);
    assert_eq!(runtime.connect.intention_default, IntentionAction::Allow);
    assert_eq!(runtime.reloadable.log_level, LogLevel::Debug);
}

#[test]
fn files_and_directories_count_in_the_order_of_the_command_line() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::create_dir(path("d")).unwrap();
    fs::write(path("d/one.hcl"), "datacenter = \"from-dir\"").unwrap();
    fs::write(path("two.json"), r#"{"datacenter": "from-file"}"#).unwrap();
    let (dir, file) = (format!("-config-dir={}", path("d")), format!("-config-file={}", path("two.json")));
    for (line, last) in [([&dir, &file], "from-file"), ([&file, &dir], "from-dir")] {
        let runtime = load_with(&format!("-dev {} {}", line[0], line[1]), &[]).unwrap().runtime;
        assert_eq!(runtime.node.datacenter.as_str(), last);
    }
}

#[test]
fn later_sources_win_and_lists_grow() {
    let files = [
        ("b.json", r#"{"datacenter": "second", "recursors": ["2.2.2.2"], "node_meta": {"b": "2"}}"#),
        (
            "a.hcl",
            "datacenter = \"first\"\nlog_level = \"warn\"\nrecursors = [\"1.1.1.1:5353\"]\nnode_meta { a = 1 }",
        ),
        ("ignored.txt", "not configuration"),
        ("c.json", r#"{"service": {"name": "x"}, "services": [{"name": "y"}]}"#),
        ("d.hcl", "service {\n name = \"z\"\n}\nservices = [{ name = \"w\" }]"),
    ];
    let line = "--dev -node n1 -http-port=-1 --recursor 3.3.3.3 -node-meta c:3 -hcl ports{dns=53}";
    let runtime = load_with(line, &files).unwrap().runtime;
    assert_eq!(runtime.node.datacenter.as_str(), "second");
    assert_eq!(runtime.reloadable.log_level, LogLevel::Warn);
    let recursors: Vec<_> = runtime.dns.recursors.iter().map(ToString::to_string).collect();
    assert_eq!(recursors, ["1.1.1.1:5353", "2.2.2.2:53", "3.3.3.3:53"]);
    assert_eq!(runtime.node.meta.len(), 3);
    assert_eq!(runtime.node.name.as_str(), "n1");
    assert!(runtime.network.http.is_empty());
    assert_eq!(runtime.network.dns[0].port(), 53);
    let names: Vec<_> = runtime.reloadable.services.iter().map(|s| s.service.name.to_string()).collect();
    assert_eq!(names, ["x", "y", "z", "w"]);
}

#[test]
fn the_kernel_steers_only_where_somebody_asks_for_it() {
    let dataplane = |flags: &str| load_with(flags, &[]).unwrap().runtime.dataplane;
    assert_eq!(dataplane("-dev").mode, DataPlaneMode::Userspace);
    assert_eq!(dataplane("-dev -dataplane=auto").mode, DataPlaneMode::Auto);
    assert!(dataplane("-dev").dns && dataplane("-dev").accelerate == crate::dataplane::Accelerate::Off);
    assert_eq!(dataplane("-dev").ktls, crate::proxy::Ktls::Auto);
    assert_eq!(dataplane("-dev -hcl dataplane_ktls=\"off\"").ktls, crate::proxy::Ktls::Off);
    assert_eq!(dataplane("-dev --dataplane ebpf").pins, std::path::Path::new("/run/mesh/bpf"));
}

#[expect(clippy::too_many_lines, reason = "one table of mistakes, a row each")]
#[test]
fn a_mistake_is_one_line_with_file_key_and_what_is_allowed() {
    let table = [
        (
            "a.json",
            r#"{"datacentre": "x"}"#,
            r#"a.json: unknown key "datacentre": did you mean "datacenter"? allowed here: acl,"#,
        ),
        (
            "a.json",
            r#"{"ports": {"http": 70000}}"#,
            "a.json: ports.http: found the number 70000, want a port from 0 to 65535, or -1 for none",
        ),
        ("a.json", r#"{"ports": {"htp": 1}}"#, r#"a.json: ports: unknown key "htp": did you mean "http"?"#),
        ("a.hcl", "bind_addr = \"eth0\"", "a.hcl: bind_addr: found \"eth0\", want an IP address"),
        ("a.hcl", "log_level = \"loud\"", "a.hcl: log_level: found \"loud\", want TRACE, DEBUG"),
        ("a.hcl", "dataplane_accelerate = \"yes\"", "found \"yes\", want \"off\", \"auto\", \"nonblocking\""),
        (
            "a.hcl",
            "dataplane_ktls = \"yes\"",
            "dataplane_ktls: found \"yes\", want \"off\", \"auto\" or \"on\"",
        ),
        ("a.hcl", "dataplane = \"xdp\"", "a.hcl: dataplane: found \"xdp\", want \"userspace\", \"auto\" or"),
        ("a.hcl", "server = \"maybe\"", "a.hcl: server: found the text \"maybe\", want true or false"),
        ("a.hcl", "node_name = \"a b\"", "a.hcl: node_name: node name \"a b\" is not valid"),
        (
            "a.hcl",
            "dns_config { node_ttl = 10 }",
            "a.hcl: dns_config.node_ttl: found the number 10, want a duration with its unit",
        ),
        (
            "a.hcl",
            "service {\n name = \"web\"\n connect {\n proxi {}\n }\n}",
            "a.hcl: service.connect: unknown key \"proxi\": did you mean \"proxy\"?",
        ),
        (
            "a.json",
            r#"{"services": [{"name": "a"}, {"name": "a/b"}]}"#,
            "a.json: services[1].name: service name \"a/b\" is not valid",
        ),
        (
            "a.json",
            r#"{"check": {"name": "x", "http": "http://a"}}"#,
            "a.json: check.interval: a http check needs an interval",
        ),
        ("a.json", r#"{"a": 1"#, "a.json: not valid JSON: "),
        ("a.json", r#"{"ui": true, "ui": false}"#, "a.json: not valid JSON: the key \"ui\" stands twice"),
        (
            "a.json",
            r#"{"node_name": "a", "nodeName": "b"}"#,
            "a.json: \"nodeName\" and \"node_name\" are the same key",
        ),
        ("a.hcl", "a = ", "a.hcl: not valid HCL: "),
        ("a.hcl", "default_intention_policy = \"maybe\"", "want \"allow\" or \"deny\""),
        (
            "a.json",
            r#"{"acl": {"enabled": true}}"#,
            "acl.enabled: found true; this version does not check tokens",
        ),
        ("a.json", r#"{"acl_datacenter": "dc1"}"#, "acl_datacenter: it turns tokens on"),
        ("a.json", r#"{"bootstrap_expect": 3}"#, "bootstrap_expect: found 3 besides bootstrap = true"),
        ("a.json", r#"{"encrypt": "hunter2"}"#, "encrypt: found something else, want 16, 24 or 32 bytes"),
        (
            "a.json",
            r#"{"retry_join": ["provider=aws tag=x"]}"#,
            "found \"provider=aws tag=x\", want a host name",
        ),
        ("a.json", r#"{"ca_file": "/x"}"#, "ca_file: ca_file, cert_file and key_file belong together"),
        ("a.json", r#"{"ports": {"https": 8501}}"#, "ports.https: found 8501; "),
        ("a.json", r#"{"ports": {"dns": 8500}}"#, "ports.dns: another listener has 127.0.0.1:8500 already"),
        (
            "a.json",
            r#"{"ports": {"sidecar_min_port": 30000}}"#,
            "ports.sidecar_min_port: found 30000 to 21255; ",
        ),
        ("a.json", r#"{"advertise_addr": "0.0.0.0"}"#, "advertise_addr: found 0.0.0.0; "),
        ("a.json", r#"{"connect": {"ca_provider": "vault"}}"#, "connect.ca_provider: found \"vault\""),
        (
            "a.json",
            r#"{"connect": {"ca_config": {"leaf_cert_ttl": "1s"}}}"#,
            "connect.ca_config: LeafCertTTL is 1s: use 1h to 8760h",
        ),
        (
            "a.json",
            r#"{"services": [{"name": "a"}, {"name": "a"}]}"#,
            "services: id \"a\" stands in a.json and in a.json",
        ),
        (
            "a.json",
            r#"{"check": {"name": "x", "args": ["y"], "interval": "1s"}}"#,
            "a.json: args: check \"x\" runs a command",
        ),
        (
            "a.json",
            r#"{"performance": {"raft_multiplier": 11}}"#,
            "performance.raft_multiplier: found 11, want 1 to 10",
        ),
        (
            "a.json",
            r#"{"http_config": {"response_headers": {"a b": "c"}}}"#,
            "http_config.response_headers: \"a b\"",
        ),
        ("a.json", r#"{"node_meta": {"consul-x": "c"}}"#, "node_meta: key \"consul-x\""),
    ];
    for (name, text, wanted) in table {
        let error = dev(text, name).map(|_| text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_number_without_limits_of_its_own_is_asked_for_without_limits() {
    let error = dev(r#"{"ports": {"http": "x"}}"#, "a.json").unwrap_err();
    assert_eq!(error, "a.json: ports.http: found the text \"x\", want a whole number");
}

#[test]
fn what_an_agent_outside_development_needs_is_asked_for() {
    let table = [
        ("server = false", "server: found false, and no server to ask"),
        ("retry_join = [\"10.0.0.1\"]", "data_dir: it is missing; "),
        ("server = true\ndata_dir = \"/x\"", "bootstrap: found false; "),
        ("server = true\nbootstrap = true", "data_dir: it is missing; "),
        ("server = true\nbootstrap_expect = 30\ndata_dir = \"/x\"", "bootstrap_expect: found 30; "),
    ];
    for (text, wanted) in table {
        let error = load_with("", &[("a.hcl", text)]).map(|_| text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let runtime = load_with("", &[("a.hcl", SERVER)]).unwrap().runtime;
    assert_eq!(runtime.network.advertise.to_string(), "10.0.0.5");
    assert_eq!(runtime.node.tagged_addresses["lan_ipv4"], "10.0.0.5");
    assert!(!runtime.dev);
}

#[test]
fn an_address_to_advertise_is_not_guessed_among_several() {
    let two = ["10.0.0.5", "10.0.0.6"].map(|ip| ip.parse().unwrap()).to_vec();
    let settings = serde_json::json!({"server": true, "bootstrap": true, "data_dir": "/x"});
    let command_line = CommandLine { settings, ..CommandLine::default() };
    let error = load(&command_line, &Host { addresses: two, ..host() }).unwrap_err().to_string();
    assert!(error.starts_with("advertise_addr: it is missing"), "{error}");
    let public_too = ["10.0.0.5", "1.2.3.4"].map(|ip| ip.parse().unwrap()).to_vec();
    let loaded = load(&command_line, &Host { addresses: public_too, ..host() }).unwrap();
    assert_eq!(loaded.runtime.network.advertise.to_string(), "10.0.0.5");
}

#[test]
fn the_policy_for_unmatched_connections_is_found_in_every_spelling() {
    for text in [
        r#"{"acl_default_policy": "deny"}"#,
        r#"{"acl": {"default_policy": "deny"}}"#,
        r#"{"default_intention_policy": "deny"}"#,
        r#"{"default_intention_policy": "deny", "acl": {"default_policy": "allow"}}"#,
    ] {
        let runtime = dev(text, "a.json").unwrap().runtime;
        assert_eq!(runtime.connect.intention_default, IntentionAction::Deny, "{text}");
    }
}

#[test]
fn keys_of_other_versions_warn_and_go_on() {
    let loaded = dev(r#"{"segment": "a", "telemetry": {"statsd_address": "x"}}"#, "a.json").unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(|w| w.key.as_str()).collect();
    assert_eq!(warnings, ["segment", "telemetry.statsd_address"]);
}

#[test]
fn flags_name_their_mistakes() {
    let table = [
        ("-dev -bogus", "-bogus"),
        ("-dev extra", "unexpected argument \"extra\""),
        ("-dev -node-meta x", "flag -node-meta: found \"x\", want key:value"),
        ("-dev -http-port x", "command line: ports.http: found the text \"x\", want a whole number"),
        ("-config-format yaml", "flag -config-format: found \"yaml\""),
        ("-config-file /nonexistent/a.json", "/nonexistent/a.json: cannot be read: "),
        ("-dev -hcl a=", "-hcl 1: not valid HCL"),
    ];
    for (line, wanted) in table {
        let error = load_with(line, &[]).map(|_| line).unwrap_err();
        assert!(error.contains(wanted), "{line}: {error}");
    }
}

#[test]
fn a_file_is_read_by_its_ending_or_as_the_format_says() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("mesh.conf");
    fs::write(&file, r#"{"services": [{"name": "web"}]}"#).unwrap();
    let error = validate(std::slice::from_ref(&file), None, &host()).unwrap_err().to_string();
    assert!(error.contains("neither .hcl nor .json"), "{error}");
    let loaded = validate(&[file], Some(Format::Json), &host()).unwrap();
    assert_eq!(loaded.runtime.reloadable.services.len(), 1);
}

/// The configurations of the walk-throughs, as they were published.
#[test]
fn the_walk_throughs_are_understood_literally() {
    let service_a = r#"{
"services": [
{
"name": "service-A",
"port": 80,
"connect": {
"proxy": {
"config": {
"upstreams": [
{
"destination_name": "service-B",
"local_bind_port": 12000
}
]
}
}
}
}
]
}"#;
    let service_b = r#"{"services": [{"name": "service-B", "port": 80, "connect": {"proxy": {}}}]}"#;
    let web = r#"{ "service": { "name": "web", "port": 8080, "connect": { "proxy": {} } } }"#;
    let db = r#"{ "service": { "name": "web", "port": 8080, "connect": { "proxy": { "config": {
          "upstreams": [{ "destination_name": "db", "local_bind_port": 9191 }] } } } } }"#;
    for (text, upstream) in
        [(service_a, Some(("service-B", 12000))), (service_b, None), (web, None), (db, Some(("db", 9191)))]
    {
        let runtime = dev(text, "a.json").unwrap().runtime;
        let Some(ProxyRequest::Managed(proxy)) = &runtime.reloadable.services[0].proxy else {
            panic!("{text}")
        };
        let found = proxy.upstreams.first().map(|u| (u.destination.as_str(), u.local_bind_port));
        assert_eq!(found, upstream);
    }
}

#[test]
fn a_sidecar_configuration_is_understood() {
    let text = r#"{
  "connect": {"enabled": true},
  "services": [
    {"name": "echo", "id": "echo", "port": 9000,
     "connect": {"sidecar_service": {"port": 9100,
       "checks": [{"name": "sidecar listening", "tcp": "127.0.0.1:9100", "interval": "1s"}]}}},
    {"name": "client", "id": "client", "port": 9001,
     "connect": {"sidecar_service": {"port": 9002,
       "proxy": {"upstreams": [{"destination_name": "echo", "local_bind_port": 9191}]}}}}
  ]
}"#;
    let runtime = dev(text, "a.json").unwrap().runtime;
    let sidecars = runtime.reloadable.services.iter().map(|service| match &service.proxy {
        Some(ProxyRequest::Sidecar(sidecar)) => {
            (sidecar.port, sidecar.checks.is_some(), sidecar.upstreams.len())
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(sidecars.collect::<Vec<_>>(), [(Some(9100), true, 0), (Some(9002), false, 1)]);
}

#[test]
fn no_text_makes_the_reader_panic() {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    const PIECES: [&str; 24] = [
        "{", "}", "[", "]", "\"", ":", ",", "=", "\n", "service", "name", "connect", "proxy", "ports",
        "http", "-1", "1e99", "${", "<<EOF", "\\u", "é", "null", "true", "check",
    ];
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..2_000 {
        let count = random.random_range(0..40);
        let text: Vec<_> = (0..count).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect();
        for format in [Format::Json, Format::Hcl] {
            let source = Source { origin: "fuzz".to_owned(), format, text: text.join(" ") };
            if let Err(error) = Fragment::read(&source) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

#[test]
fn every_flag_leads_to_a_key_that_exists() {
    for flag in AGENT_FLAGS {
        let arguments = [format!("-{}=?", flag.name)];
        let Ok(command_line) = CommandLine::parse(&arguments) else { continue };
        if let Err(error) = Fragment::decode("command line", command_line.settings) {
            assert!(!error.to_string().contains("unknown key"), "{error}");
        }
    }
}

#[test]
fn servers_find_each_other_and_trust_one_secret() {
    let text = "server = true\nbootstrap_expect = 3\ndata_dir = \"/x\"\nretry_join = [\"10.0.0.1\", \"[fd00::1]:8300\", \"a.b:1\"]\nstart_join = [\"10.0.0.9\"]\nretry_max = 4\nrejoin_after_leave = true\nencrypt = \"MDEyMzQ1Njc4OWFiY2RlZg==\"\nretry_interval = \"1s\"\n";
    let cluster = load_with("", &[("a.hcl", text)]).unwrap().runtime.cluster;
    let join: Vec<String> = cluster.retry_join.iter().map(ToString::to_string).collect();
    assert_eq!((cluster.expect, join), (3, vec!["10.0.0.1".into(), "[fd00::1]:8300".into(), "a.b:1".into()]));
    let once: Vec<String> = cluster.join.iter().map(ToString::to_string).collect();
    assert_eq!((once, cluster.retry_max, cluster.rejoin_after_leave), (vec!["10.0.0.9".into()], 4, true));
    assert!(!format!("{cluster:?}").contains("MDEyMz"), "{cluster:?}");
    let waits = "server = true\ndata_dir = \"/x\"\nretry_join = [\"10.0.0.1\"]\n";
    assert_eq!(load_with("", &[("a.hcl", waits)]).unwrap().runtime.cluster.expect, 0);
}

#[test]
fn on_a_slow_machine_a_server_may_be_silent_for_longer() {
    let cases = [
        ("{}", 1, 200),
        (r#"{"performance": {"raft_multiplier": 5}}"#, 5, 1000),
        (
            r#"{"performance": {"raft_multiplier": 5}, "autopilot": {"last_contact_threshold": "300ms"}}"#,
            5,
            300,
        ),
    ];
    for (text, multiplier, silence) in cases {
        let loaded = dev(text, "a.json").unwrap();
        assert_eq!(loaded.runtime.raft.multiplier, multiplier, "{text}");
        let threshold = loaded.runtime.cluster.autopilot.last_contact_threshold;
        assert_eq!(threshold.as_millis(), silence, "{text}");
    }
}

#[test]
fn autopilot_is_configured_key_by_key() {
    let text = r#"{"autopilot": {"cleanup_dead_servers": false, "last_contact_threshold": "1s",
        "server_stabilization_time": "3s", "redundancy_zone_tag": "z"}}"#;
    let loaded = dev(text, "a.json").unwrap();
    let autopilot = loaded.runtime.cluster.autopilot;
    let times = [autopilot.last_contact_threshold, autopilot.server_stabilization_time].map(|t| t.as_secs());
    assert_eq!((autopilot.cleanup_dead_servers, times), (false, [1, 3]));
    assert_eq!(autopilot.max_trailing_logs, 250);
    assert_eq!(loaded.warnings[0].key, "autopilot.redundancy_zone_tag");
}
