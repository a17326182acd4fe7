//! Debian's `consul` 1.8.7 as a client of our agent.

use mesh_tests::{Output, TestAgent, eventually, peers, run, skip};
use std::path::Path;

struct Client {
    agent: TestAgent,
    program: &'static Path,
}

impl Client {
    /// `None`, and a loud word, where there is no consul.
    fn start(test: &str) -> Option<Self> {
        match peers::consul() {
            Ok(program) => Some(Self { agent: TestAgent::start(), program }),
            Err(reason) => {
                skip(test, reason);
                None
            }
        }
    }

    fn consul(&self, arguments: &[&str]) -> Output {
        run(self.agent.client_command(self.program).args(arguments))
    }
}

#[test]
fn consul_lists_members_and_nodes() {
    let Some(client) = Client::start("consul_lists_members_and_nodes") else { return };
    let members = client.consul(&["members"]).success();
    let mut lines = members.lines();
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Segment"]);
    let row: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!((row[0], row[2], row[3], row[6]), ("test-node", "alive", "server", "dc1"));

    let nodes = client.consul(&["catalog", "nodes"]).success();
    assert!(nodes.lines().nth(1).unwrap().starts_with("test-node "), "{nodes}");
    assert_eq!(client.consul(&["catalog", "datacenters"]).success(), "dc1\n");
}

#[test]
fn consul_registers_and_deregisters_services() {
    let Some(client) = Client::start("consul_registers_and_deregisters_services") else { return };
    let flags = ["services", "register", "-name=web", "-port=8080", "-tag=a", "-tag=b", "-meta=k=v"];
    assert_eq!(client.consul(&flags).success(), "Registered service: web\n");
    let file = client.agent.directory().join("db.hcl");
    std::fs::write(&file, "service {\n  name = \"db\"\n  port = 5432\n  check { ttl = \"30s\" }\n}\n")
        .unwrap();
    let registered = client.consul(&["services", "register", file.to_str().unwrap()]).success();
    assert_eq!(registered, "Registered service: db\n");

    eventually("the catalog has both", || {
        let services = client.consul(&["catalog", "services", "-tags"]).success();
        let rows: Vec<Vec<&str>> = services.lines().map(|line| line.split_whitespace().collect()).collect();
        (rows == [vec!["consul"], vec!["db"], vec!["web", "a,b"]]).then_some(())
    });
    assert_eq!(
        client.consul(&["services", "deregister", "-id=web"]).success(),
        "Deregistered service: web\n"
    );
    eventually("the catalog has one", || {
        let services = client.consul(&["catalog", "services"]).success();
        (!services.lines().any(|line| line == "web")).then_some(())
    });
}

#[test]
fn consul_manages_intentions() {
    let Some(client) = Client::start("consul_manages_intentions") else { return };
    let created = client.consul(&["intention", "create", "-deny", "-meta=why=test", "web", "db"]).success();
    assert_eq!(created, "Created: web => db (deny)\n");
    let again = client.consul(&["intention", "create", "web", "db"]);
    assert_eq!(again.status, Some(1));
    assert!(again.stderr.contains("duplicate intention found"), "{}", again.stderr);

    let denied = client.consul(&["intention", "check", "web", "db"]);
    assert_eq!((denied.status, denied.stdout.as_str()), (Some(1), "Denied\n"));
    assert_eq!(client.consul(&["intention", "check", "other", "db"]).success(), "Allowed\n");
    client.consul(&["intention", "create", "-deny", "*", "db"]).success();
    assert_eq!(client.consul(&["intention", "match", "db"]).success(), "web => db (deny)\n* => db (deny)\n");

    let shown = client.consul(&["intention", "get", "web", "db"]).success();
    for line in ["Source:       web", "Action:       deny", "Meta[why]:    test"] {
        assert!(shown.contains(line), "{shown}");
    }
    client.consul(&["intention", "create", "-allow", "-replace", "web", "db"]).success();
    assert_eq!(client.consul(&["intention", "check", "web", "db"]).success(), "Allowed\n");
    assert_eq!(client.consul(&["intention", "delete", "web", "db"]).success(), "Intention deleted.\n");
    assert_eq!(client.consul(&["intention", "get", "web", "db"]).status, Some(1));
    let wildcard = client.consul(&["intention", "create", "we*", "db"]);
    assert_eq!(wildcard.status, Some(1), "{wildcard:?}");
}

#[test]
fn consul_follows_the_log() {
    let Some(client) = Client::start("consul_follows_the_log") else { return };
    let monitor = client.agent.start_client(client.program, &["monitor", "-log-level=debug"], "monitor.log");
    eventually("a refused registration is in the log that it shows", || {
        client.agent.put("/v1/agent/service/register", &serde_json::json!({"Name": "bad name"}));
        monitor.log().contains("bad name").then_some(())
    });
}

#[test]
fn consul_reads_the_certificate_authority_and_the_agent() {
    let Some(client) = Client::start("consul_reads_the_certificate_authority_and_the_agent") else { return };
    let config = client.consul(&["connect", "ca", "get-config"]).success();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["Provider"], "consul");
    assert!(config["Config"]["LeafCertTTL"].is_string(), "{config}");
    assert!(client.consul(&["info"]).success().contains("raft:"));
    client.consul(&["reload"]).success();
    client.consul(&["maint", "-enable", "-reason=test"]).success();
    assert!(client.consul(&["maint"]).success().contains("Reason: test"));
    client.consul(&["maint", "-disable"]).success();
}
