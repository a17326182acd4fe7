//! `mesh validate`, and agents that refuse to start for the same reasons.

use mesh_tests::{Output, binary, run};
use std::process::Command;
use tempfile::TempDir;

fn with_file(name: &str, text: &str, arguments: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    run(Command::new(binary::mesh()).args(arguments).arg(path))
}

#[test]
fn good_configuration_is_valid_in_both_languages() {
    let json = r#"{"data_dir": "/tmp/x", "server": true, "bootstrap": true, "services": [{"name": "web", "port": 80, "check": {"ttl": "10s"}}]}"#;
    let hcl = "data_dir = \"/tmp/x\"\nserver = true\nbootstrap = true\nservice {\n  name = \"web\"\n  port = 80\n  connect { sidecar_service {} }\n}\n";
    for (name, text) in [("a.json", json), ("a.hcl", hcl)] {
        let output = with_file(name, text, &["validate"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
    }
}

#[test]
fn a_mistake_is_one_line_with_file_key_found_and_allowed() {
    let cases = [
        (r#"{"bogus": 1}"#, vec!["bad.json", "bogus"]),
        (r#"{"ports": {"htpp": 1}}"#, vec!["bad.json", "ports", "htpp", "http"]),
        (r#"{"ports": {"http": "many"}}"#, vec!["bad.json", "ports.http", "many"]),
        (r#"{"services": [{"name": "we b!"}]}"#, vec!["bad.json", "services", "name"]),
        (r#"{"service": {"name": "web", "check": {"ttl": "soon"}}}"#, vec!["bad.json", "ttl", "soon"]),
        (r#"{"log_level": "loud"}"#, vec!["log_level", "loud"]),
        (r#"{"#, vec!["bad.json"]),
    ];
    for (text, expected) in cases {
        let output = with_file("bad.json", text, &["validate"]);
        assert_eq!(output.status, Some(1), "{text}: {}", output.stdout);
        assert_eq!(output.stderr.lines().count(), 1, "{text}: {}", output.stderr);
        for word in expected {
            assert!(output.stderr.contains(word), "{text}: want {word:?} in {}", output.stderr);
        }
    }
}

#[test]
fn an_agent_does_not_start_with_a_mistake() {
    let output = with_file("bad.json", r#"{"bogus": 1}"#, &["agent", "-dev", "-config-file"]);
    assert_eq!(output.status, Some(1));
    assert!(output.stderr.contains("bogus"), "{}", output.stderr);
    let output = run(Command::new(binary::mesh()).args(["agent", "-dev", "-bogus"]));
    assert_eq!(output.status, Some(1));
    assert!(output.stderr.contains("-bogus"), "{}", output.stderr);
}
