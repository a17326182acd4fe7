//! What a newcomer does first, with the ports that the pages name.

use mesh_tests::peers::Postgres;
use mesh_tests::{DemoService, Output, Process, binary, eventually, netns, run, skip};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// `mesh agent -dev -config-dir=DIR` with the ports that it has by itself.
fn agent(directory: &TempDir, config: &Value) -> Process {
    let place = directory.path().join("config");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("services.json"), config.to_string()).unwrap();
    let mut command = Command::new(binary::mesh());
    command.arg("agent").arg("-dev").arg(format!("-config-dir={}", place.display()));
    let agent = Process::start(command, &directory.path().join("agent.log"));
    eventually("the agent answers", || (mesh(&["catalog", "nodes"]).status == Some(0)).then_some(()));
    agent
}

fn mesh(arguments: &[&str]) -> Output {
    run(Command::new(binary::mesh()).args(arguments).env_remove("CONSUL_HTTP_ADDR"))
}

fn curl(url: &str) -> Output {
    run(Command::new("curl").args(["--silent", "--show-error", "--max-time", "5", url]))
}

fn eventually_curl(url: &str, text: &str) {
    eventually(&format!("curl {url} shows {text:?}"), || {
        let output = curl(url);
        (output.status == Some(0) && output.stdout == text).then_some(())
    });
}

fn in_a_network_of_its_own(name: &str, test: impl FnOnce() + Send + 'static) {
    if let Err(reason) = netns::isolated(test) {
        skip(name, &reason);
    }
}

#[test]
fn two_web_services_talk_until_an_intention_denies_it() {
    let name = "two_web_services_talk_until_an_intention_denies_it";
    if !Path::new("/usr/bin/curl").exists() {
        return skip(name, "curl is not installed");
    }
    in_a_network_of_its_own(name, || {
        let directory = tempfile::tempdir().unwrap();
        let _hello = DemoService::start(8080, "hello");
        let _world = DemoService::start(8081, "world");
        let upstream = json!({"destination_name": "world", "local_bind_port": 12000});
        let _agent = agent(
            &directory,
            &json!({"services": [
                {"name": "hello", "port": 8080, "connect": {"proxy": {"config": {"upstreams": [upstream]}}}},
                {"name": "world", "port": 8081, "connect": {"proxy": {}}},
            ]}),
        );
        eventually_curl("http://localhost:12000", "world");

        let created = mesh(&["intention", "create", "-deny", "hello", "world"]).success();
        assert_eq!(created, "Created: hello => world (deny)\n");
        eventually("the denied connection fails", || {
            (curl("http://localhost:12000").status != Some(0)).then_some(())
        });
        assert_eq!(mesh(&["intention", "check", "hello", "world"]).stdout, "Denied\n");

        let replaced = mesh(&["intention", "create", "-allow", "-replace", "hello", "world"]).success();
        assert_eq!(replaced, "Updated: hello => world (allow)\n");
        eventually_curl("http://localhost:12000", "world");
    });
}

#[test]
fn a_database_is_reached_through_a_proxy_for_people() {
    let name = "a_database_is_reached_through_a_proxy_for_people";
    in_a_network_of_its_own(name, move || {
        let postgres = match Postgres::start(5432) {
            Ok(postgres) => postgres,
            Err(reason) => return skip(name, &reason),
        };
        let directory = tempfile::tempdir().unwrap();
        let service = json!({"name": "postgresql", "port": 5432, "connect": {"proxy": {}}});
        let _agent = agent(&directory, &json!({"services": [service]}));
        let mut command = Command::new(binary::mesh());
        command.args(["connect", "proxy", "-service", "mitchellh", "-upstream", "postgresql:9191"]);
        let proxy = Process::start(command, &directory.path().join("proxy.log"));

        eventually("psql works through the mesh", || {
            postgres.query(9191, "select 6 * 7").ok().filter(|n| n == "42")
        });
        assert!(proxy.log().starts_with("==> Mesh Connect proxy starting...\n"), "{}", proxy.log());
        postgres.query(9191, "create table t as select generate_series(1, 200000) as n").unwrap();
        assert_eq!(postgres.query(9191, "select sum(n) from t").unwrap(), "20000100000");
        let many = postgres.query(9191, "select n from t order by n").unwrap();
        assert_eq!(many.lines().count(), 200_000);

        mesh(&["intention", "create", "-deny", "mitchellh", "postgresql"]).success();
        eventually("psql is refused", || postgres.query(9191, "select 1").is_err().then_some(()));
        assert!(postgres.query(5432, "select 1").is_ok(), "the database itself still answers");
    });
}
