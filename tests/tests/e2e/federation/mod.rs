//! Datacenters that know each other: each has servers and a state of its own.

mod certificates;
mod keys;
mod names;
mod primary;

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::wait::eventually;
use mesh_tests::{peers, run, skip};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const SECOND: &str = "-datacenter=dc2";

/// Has the members of a datacenter know each other, which ports of their own keep them from.
fn gather(cluster: &TestCluster) {
    let first = format!("127.0.0.1:{}", cluster.servers[0].serf_port);
    for server in &cluster.servers[1..] {
        eventually(&format!("{} joins", server.name), || {
            (server.mesh(&["join", &first]).status == Some(0)).then_some(())
        });
    }
}

/// Has a server of the second datacenter join one of the first.
fn join(one: &TestCluster, two: &TestCluster) {
    let there = format!("127.0.0.1:{}", one.servers[0].wan_port);
    two.servers[0].mesh(&["join", "-wan", &there]).success();
}

/// Whether all servers of both know that there are so many.
fn meet(clusters: [&TestCluster; 2], count: usize) {
    for server in clusters.iter().flat_map(|cluster| &cluster.servers).filter(|server| is_server(server)) {
        eventually(&format!("{} knows {count} servers", server.name), || {
            (alive(server).len() == count).then_some(())
        });
    }
}

fn is_server(server: &TestServer) -> bool {
    server.is_running() && server.request("GET", "/v1/agent/self", b"").json()["Config"]["Server"] == true
}

fn alive(server: &TestServer) -> Vec<String> {
    let members = server.request("GET", "/v1/agent/members?wan=1", b"").json();
    let alive = members.as_array().unwrap().iter().filter(|member| member["Status"] == 1);
    alive.map(|member| member["Name"].as_str().unwrap().to_owned()).collect()
}

/// Two datacenters that were told of each other by a flag.
fn federated(first: usize, second: usize, flags: &[&str]) -> (TestCluster, TestCluster) {
    let one = TestCluster::start_with(first, flags);
    let wan = format!("-retry-join-wan=127.0.0.1:{}", one.servers[0].wan_port);
    let all: Vec<&str> = flags.iter().copied().chain([SECOND, &wan]).collect();
    let two = TestCluster::start_with(second, &all);
    gather(&one);
    gather(&two);
    meet([&one, &two], first + second);
    (one, two)
}

#[test]
fn when_one_server_joins_another_datacenter_all_servers_of_both_know_each_other() {
    let mut one = TestCluster::start(3);
    let two = TestCluster::start_with(1, &[SECOND]);
    let client = one.add(&["-server=false"]);
    gather(&one);
    let there = format!("127.0.0.1:{}", one.servers[1].wan_port);
    let joined = two.servers[0].mesh(&["join", "-wan", &there]).success();
    assert!(joined.contains("contacting 1 nodes"), "{joined}");
    meet([&one, &two], 4);
    assert_eq!(alive(&one.servers[2]), ["s0.dc1", "s0.dc2", "s1.dc1", "s2.dc1"]);
    let listed = one.servers[2].mesh(&["members", "-wan"]).success();
    let row = listed.lines().find(|line| line.starts_with("s0.dc2")).unwrap();
    assert!(row.contains("alive") && row.contains("server") && row.contains("dc2"), "{row}");
    // The members of each datacenter are its own.
    let own = two.servers[0].request("GET", "/v1/agent/members", b"").json();
    assert_eq!(own.as_array().unwrap().len(), 1, "{own}");

    let datacenters = |server: &TestServer| server.request("GET", "/v1/catalog/datacenters", b"").json();
    eventually("the client agent has a server", || {
        one.servers[client].try_request("GET", "/v1/catalog/datacenters", b"").filter(|got| got.status == 200)
    });
    for server in &one.servers {
        assert_eq!(datacenters(server), json!(["dc1", "dc2"]), "{}", server.name);
    }
    assert_eq!(datacenters(&two.servers[0]), json!(["dc2", "dc1"]), "its own is the nearest");
    let listed = two.servers[0].mesh(&["catalog", "datacenters"]).success();
    assert_eq!(listed.trim(), "dc2\ndc1");

    // Who leaves is gone for all.
    two.servers[0].mesh(&["leave"]).success();
    eventually("the second datacenter has gone", || {
        (datacenters(&one.servers[2]) == json!(["dc1"])).then_some(())
    });
    let pruned = one.servers[0].mesh(&["force-leave", "-prune", "s0.dc2"]);
    assert_eq!(pruned.status, Some(0), "{}", pruned.stderr);
    let unknown = one.servers[0].mesh(&["force-leave", "s9.dc2"]);
    assert!(unknown.stderr.contains("No node found with name 's9.dc2'"), "{}", unknown.stderr);
}

#[test]
fn a_server_of_another_datacenter_is_not_taken_into_this_ones_agreement() {
    let mut one = TestCluster::start(1);
    let gossip = format!("-retry-join=127.0.0.1:{}", one.servers[0].serf_port);
    let stranger = one.add(&[SECOND, "-node=stranger", &gossip]);
    eventually("the stranger is turned away", || {
        let log = one.servers[stranger].process().log();
        (log.contains("of datacenter dc1") && log.contains("dc2")).then_some(())
    });
    let peers = one.servers[0].request("GET", "/v1/status/peers", b"").json();
    assert_eq!(peers.as_array().unwrap().len(), 1, "{peers}");
    assert_ne!(one.servers[stranger].leader(), Some(one.servers[0].address()));
}

#[test]
fn a_request_for_another_datacenter_is_answered_there() {
    let (mut one, two) = federated(2, 2, &[]);
    let client = one.add(&["-server=false"]);
    one.servers[client].wait_for_node("s0");
    two.servers[0].write_within(Duration::from_secs(20), "far").unwrap();
    for server in &one.servers {
        let node = server.request("GET", "/v1/catalog/node/far?dc=dc2", b"");
        assert_eq!(node.json()["Node"]["Datacenter"], "dc2", "{}: {}", server.name, node.body);
        assert_eq!(server.request("GET", "/v1/catalog/node/far", b"").body, "null", "{}", server.name);
        let key = format!("/v1/kv/by/{}?dc=dc2", server.name);
        assert_eq!(server.request("PUT", &key, b"value").body, "true", "{}", server.name);
        let unknown = server.request("GET", "/v1/catalog/nodes?dc=nowhere", b"");
        assert_eq!(
            (unknown.status, unknown.body.as_str()),
            (500, "No path to datacenter"),
            "{}",
            server.name
        );
    }
    let kept = two.servers[1].request("GET", "/v1/kv/by?keys&consistent", b"").json();
    assert_eq!(kept, json!(["by/s0", "by/s1", "by/s2"]));
    assert_eq!(one.servers[0].request("GET", "/v1/kv/by?keys", b"").status, 404);

    // A body may name the datacenter too.
    let body = json!({"Datacenter": "dc2", "Node": "sent", "Address": "10.9.9.9"}).to_string();
    let sent = one.servers[client].request("PUT", "/v1/catalog/register", body.as_bytes());
    assert_eq!(sent.body, "true");
    assert_eq!(two.servers[0].has_node("sent", "consistent"), Some(true));
    let listed = one.servers[client].mesh(&["catalog", "nodes", "-datacenter=dc2"]).success();
    assert!(listed.contains("far") && listed.contains("sent"), "{listed}");
    let value = one.servers[1].mesh(&["kv", "get", "-datacenter=dc2", "by/s0"]).success();
    assert_eq!(value.trim(), "value");
}

#[test]
fn a_prepared_query_that_finds_nothing_here_is_asked_elsewhere() {
    let (one, two) = federated(1, 1, &[]);
    let web = json!({"Node": "far", "Address": "10.9.9.9", "Service": {"Service": "web", "Port": 8080}});
    let registered = two.servers[0].request("PUT", "/v1/catalog/register", web.to_string().as_bytes());
    assert_eq!(registered.body, "true");
    let ask = |name: &str, failover: Value| {
        let query = json!({"Name": name, "Service": {"Service": "web", "Failover": failover}}).to_string();
        assert_eq!(one.servers[0].request("POST", "/v1/query", query.as_bytes()).status, 200);
        one.servers[0].request("GET", &format!("/v1/query/{name}/execute"), b"").json()
    };
    assert_eq!(ask("none", json!({}))["Nodes"], json!([]));
    for (name, failover) in
        [("near", json!({"NearestN": 1})), ("named", json!({"Datacenters": ["dc9", "dc2"]}))]
    {
        let found = ask(name, failover);
        assert_eq!(found["Nodes"][0]["Service"]["Port"], 8080, "{name}: {found}");
        assert_eq!(found["Datacenter"], "dc2", "{name}");
    }
}

#[test]
fn a_blocking_query_waits_in_the_other_datacenter() {
    let (one, two) = federated(1, 1, &[]);
    two.servers[0].write_within(Duration::from_secs(20), "before").unwrap();
    let seen = one.servers[0].request("GET", "/v1/catalog/nodes?dc=dc2", b"");
    let index: u64 = seen.header("x-consul-index").unwrap().parse().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let target = format!("/v1/catalog/nodes?dc=dc2&index={index}&wait=60s");
            one.servers[0].request("GET", &target, b"")
        });
        two.servers[0].write_within(Duration::from_secs(20), "after").unwrap();
        let answer = waiter.join().unwrap();
        assert!(answer.body.contains("after"), "{}", answer.body);
        assert!(answer.header("x-consul-index").unwrap().parse::<u64>().unwrap() > index);
    });
}

#[test]
fn consuls_own_client_sees_both_datacenters() {
    let program = match peers::consul() {
        Ok(program) => program,
        Err(reason) => return skip("consuls_own_client_sees_both_datacenters", reason),
    };
    let (one, two) = federated(1, 1, &[]);
    two.servers[0].write_within(Duration::from_secs(20), "far").unwrap();
    let consul = |arguments: &[&str]| {
        let address = format!("127.0.0.1:{}", one.servers[0].http_port);
        run(Command::new(program).env("CONSUL_HTTP_ADDR", address).args(arguments)).success()
    };
    assert_eq!(consul(&["catalog", "datacenters"]).split_whitespace().collect::<Vec<_>>(), ["dc1", "dc2"]);
    assert!(consul(&["catalog", "nodes", "-datacenter=dc2"]).contains("far"));
    assert!(consul(&["members", "-wan"]).contains("s0.dc2"));
    consul(&["kv", "put", "-datacenter=dc2", "a", "b"]);
    assert_eq!(two.servers[0].request("GET", "/v1/kv/a?raw", b"").body, "b");
    let roots: Value = two.servers[0].request("GET", "/v1/connect/ca/roots", b"").json();
    let asked = one.servers[0].request("GET", "/v1/connect/ca/roots?dc=dc2", b"").json();
    assert_eq!(asked["TrustDomain"], roots["TrustDomain"]);
}

#[test]
fn servers_of_datacenters_find_out_how_far_from_each_other_they_are() {
    let (mut one, two) = federated(2, 1, &[]);
    let client = one.add(&["-server=false"]);
    let agent = &one.servers[client];
    let measured = eventually("all servers have a place", || {
        let answer = agent.try_request("GET", "/v1/coordinate/datacenters", b"")?;
        let shown = (answer.status == 200).then(|| answer.json())?;
        let error = |server: &Value| server["Coord"]["Error"].as_f64().unwrap_or(9.0);
        let of = |datacenter: &Value| {
            let servers = datacenter["Coordinates"].as_array().cloned().unwrap_or_default();
            servers.iter().filter(|server| error(server) < 1.5).count()
        };
        let counts: Vec<usize> = shown.as_array()?.iter().map(of).collect();
        (counts == [2, 1]).then_some(shown)
    });
    assert_eq!((&measured[0]["Datacenter"], &measured[1]["Datacenter"]), (&json!("dc1"), &json!("dc2")));
    assert_eq!(
        (&measured[1]["AreaID"], &measured[1]["Coordinates"][0]["Node"]),
        (&json!("wan"), &json!("s0"))
    );
    let told = eventually("the other datacenter has measured, too", || {
        let told = two.servers[0].mesh(&["rtt", "-wan", "s1.dc1"]);
        (told.status == Some(0)).then_some(told.stdout)
    });
    let millis = told
        .trim()
        .strip_prefix("Estimated s1.dc1 <-> s0.dc2 rtt: ")
        .and_then(|rest| rest.strip_suffix(" ms (using WAN coordinates)"));
    let millis: f64 = millis.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
    assert!(millis > 0.0 && millis < 100.0, "loopback is near: {told}");
    let mut programs = vec![mesh_tests::binary::mesh()];
    programs.extend(peers::consul().ok());
    for program in programs {
        // Each server asked knows of itself what others have measured of it.
        eventually("every server has a place for itself", || {
            let mut command = Command::new(program);
            command.env("CONSUL_HTTP_ADDR", agent.http().to_string());
            (run(command.args(["rtt", "-wan", "s0.dc1", "s0.dc2"])).status == Some(0)).then_some(())
        });
    }
}

#[test]
fn servers_are_reached_from_other_datacenters_by_the_address_that_they_have_there() {
    let flags = ["-bind=0.0.0.0", "-advertise=127.0.0.1", "-advertise-wan=127.0.0.2"];
    let (one, two) = federated(1, 1, &flags);
    for server in [&one.servers[0], &two.servers[0]] {
        let address = |flags: &[&str]| -> Vec<String> {
            let rows = server.mesh(&[&["members"], flags].concat()).success();
            let addresses = rows.lines().skip(1).filter_map(|row| row.split_whitespace().nth(1));
            addresses.map(|address| address.split(':').next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(address(&[]), ["127.0.0.1"]);
        assert_eq!(address(&["-wan"]), ["127.0.0.2", "127.0.0.2"]);
        for datacenter in ["dc1", "dc2"] {
            let nodes = server.request("GET", &format!("/v1/catalog/nodes?dc={datacenter}"), b"");
            let wan = &nodes.json()[0]["TaggedAddresses"]["wan"];
            assert_eq!((nodes.status, wan), (200, &json!("127.0.0.2")), "{}", nodes.body);
        }
        // Their datagrams come from another address than the one that they are known by.
        let keys = server.mesh(&["keyring", "-list"]).success();
        assert!(keys.contains("[2/2]"), "{keys}");
    }
}
