//! Three servers are one cluster, and lose nothing that they have acknowledged.

use mesh_tests::cluster::TestCluster;
use mesh_tests::wait::{PATIENCE, eventually, here};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_write_through_any_server_is_read_at_once_there_and_consistently_everywhere() {
    let cluster = TestCluster::start(3);
    for (number, server) in cluster.servers.iter().enumerate() {
        let node = format!("w{number}");
        let written = server.register(&node).unwrap();
        assert_eq!(written.status, 200, "{}: {}", server.name, written.body);
        for consistency in ["stale", "", "consistent"] {
            assert_eq!(server.has_node(&node, consistency), Some(true), "{} {consistency:?}", server.name);
        }
        for other in &cluster.servers {
            assert_eq!(
                other.has_node(&node, "consistent"),
                Some(true),
                "{} after {}",
                other.name,
                server.name
            );
            assert_eq!(other.has_node(&node, ""), Some(true), "{} after {}", other.name, server.name);
        }
    }
    for server in &cluster.servers {
        let peers = server.request("GET", "/v1/status/peers", b"").json();
        assert_eq!(peers.as_array().unwrap().len(), 3, "{peers}");
        let roots = server.request("GET", "/v1/connect/ca/roots", b"").json();
        assert_eq!(roots["Roots"].as_array().unwrap().len(), 1, "one root for all: {roots}");
    }
}

#[test]
fn when_the_leader_is_killed_another_accepts_writes_and_nothing_is_lost() {
    let mut cluster = TestCluster::start(3);
    let leader = cluster.wait_for_leader();
    let other = (leader + 1) % 3;
    cluster.servers[other].write_within(SOON, "before").unwrap();
    cluster.servers[leader].kill();
    let killed = Instant::now();
    cluster.servers[other].write_within(PATIENCE, "after").unwrap();
    println!("kill -9 of the leader to the first accepted write: {:?}", killed.elapsed());
    assert!(killed.elapsed() < here(SOON));
    for node in ["before", "after"] {
        assert_eq!(cluster.servers[other].has_node(node, "consistent"), Some(true), "{node}");
    }
    cluster.servers[leader].launch();
    cluster.servers[leader].wait_for_node("after");
    cluster.wait_for_leader();
}

#[test]
fn servers_on_slow_machines_wait_longer_until_they_elect_another_leader() {
    let mut cluster = TestCluster::start_with(3, &["-hcl=performance { raft_multiplier = 5 }"]);
    let leader = cluster.wait_for_leader();
    let other = (leader + 1) % 3;
    cluster.servers[leader].kill();
    let killed = Instant::now();
    cluster.servers[other].write_within(PATIENCE, "after").unwrap();
    // Two seconds since a leader was heard, which is so at least every half second.
    let took = killed.elapsed();
    assert!(took > Duration::from_millis(1400), "another leads after {took:?}");
}

#[test]
fn what_was_acknowledged_survives_the_death_of_all_servers_at_once() {
    let mut cluster = TestCluster::start(3);
    let mut acknowledged = Vec::new();
    for number in 0..60 {
        let node = format!("n{number}");
        let written = cluster.servers[number % 3].register(&node).unwrap();
        assert_eq!(written.status, 200, "{}", written.body);
        acknowledged.push(node);
    }
    for server in &mut cluster.servers {
        server.kill();
    }
    for server in &mut cluster.servers {
        server.launch();
    }
    cluster.wait_for_leader();
    for node in &acknowledged {
        let server = &cluster.servers[0];
        let known = eventually(node, || server.has_node(node, "consistent"));
        assert!(known, "{node} was acknowledged and is lost");
    }
}

#[test]
fn without_a_majority_writes_are_refused_and_stale_reads_are_answered() {
    let mut cluster = TestCluster::start(3);
    cluster.servers[0].write_within(SOON, "before").unwrap();
    cluster.servers[0].wait_for_node("before");
    for number in [1, 2] {
        cluster.servers[number].kill();
    }
    let server = &cluster.servers[0];
    let refused = eventually("a write is refused", || server.register("during"));
    assert_eq!(refused.status, 500, "{}", refused.body);
    let told = refused.body.contains("No cluster leader") || refused.body.contains("not confirmed");
    assert!(told, "{}", refused.body);
    let stale = server.request("GET", "/v1/catalog/node/before?stale", b"");
    assert_eq!(stale.status, 200);
    assert_ne!(stale.body, "null");
    cluster.servers[1].launch();
    cluster.servers[0].write_within(PATIENCE, "recovered").unwrap();
}

#[test]
fn a_server_that_lost_its_disk_joins_anew_and_gets_everything() {
    let mut cluster = TestCluster::start(3);
    cluster.servers[0].write_within(SOON, "before").unwrap();
    let number = cluster.add(&[]);
    cluster.servers[number].wait_for_node("before");
    let voters = || {
        let peers = cluster.servers[0].request("GET", "/v1/status/peers", b"").json();
        peers.as_array().map(Vec::len)
    };
    eventually("the fourth server is a peer", || voters().filter(|count| *count == 4));
    let leader = cluster.wait_for_leader();
    let wiped = (leader + 1) % 3;
    cluster.servers[wiped].kill();
    cluster.servers[wiped].wipe();
    cluster.servers[wiped].launch();
    cluster.servers[wiped].wait_for_node("before");
}

#[test]
fn a_server_with_another_secret_is_not_let_in() {
    let mut cluster = TestCluster::start(3);
    let stranger = cluster.add(&["-encrypt=AAAAAAAAAAAAAAAAAAAAAA=="]);
    eventually("the stranger is turned away", || {
        let log = cluster.servers[stranger].process().log();
        log.contains("its gossip keys are others").then_some(())
    });
    let seen = eventually("the stranger answers", || cluster.servers[stranger].has_node("s0", "stale"));
    assert!(!seen, "it has seen nothing");
    let peers = cluster.servers[0].request("GET", "/v1/status/peers", b"").json();
    assert_eq!(peers.as_array().unwrap().len(), 3, "{peers}");
}

#[test]
fn an_operator_lists_servers_hands_over_the_lead_and_takes_a_dead_server_out() {
    let mut cluster = TestCluster::start(3);
    let leader = cluster.wait_for_leader();
    let (follower, dead) = ((leader + 1) % 3, (leader + 2) % 3);
    let mesh = |arguments: &[&str]| cluster.servers[follower].mesh(arguments);
    let listed = mesh(&["operator", "raft", "list-peers"]).success();
    let row = |list: &str, name: &str| list.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    for server in &cluster.servers {
        let state = if server.address() == cluster.servers[leader].address() { "leader" } else { "follower" };
        let row =
            row(&listed, &server.name).unwrap_or_else(|| panic!("{} is missing:\n{listed}", server.name));
        assert!(row.contains(&server.address()) && row.contains(state) && row.contains("true"), "{row}");
    }
    let own = row(&listed, &cluster.servers[follower].name).unwrap();
    let id = own.split_whitespace().nth(1).unwrap();
    mesh(&["operator", "raft", "transfer-leader", "-id", id]).success();
    eventually("the server that was named leads", || cluster.leader().filter(|leader| *leader == follower));

    let address = cluster.servers[dead].address();
    cluster.servers[dead].kill();
    // Through another server than the leader.
    let other = &cluster.servers[leader];
    let remove = || other.mesh(&["operator", "raft", "remove-peer", "-address", &address]);
    eventually("the dead server is taken out", || (remove().status == Some(0)).then_some(()));
    let peers = other.request("GET", "/v1/status/peers", b"").json();
    assert_eq!(peers.as_array().unwrap().len(), 2, "{peers}");
    let unknown = other.mesh(&["operator", "raft", "remove-peer", "-address", "10.0.0.1:1"]);
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.stderr.contains("was not found in the Raft configuration"), "{}", unknown.stderr);
}

#[test]
fn a_client_agent_answers_as_the_servers_do_and_goes_on_when_one_of_them_dies() {
    let mut cluster = TestCluster::start(3);
    let number = cluster.add(&["-server=false"]);
    cluster.servers[number].wait_for_node("s0");
    let client = |cluster: &TestCluster, method: &str, target: &str, body: &[u8]| {
        cluster.servers[number].request(method, target, body)
    };
    // Its own registration comes to the servers.
    cluster.servers[0].wait_for_node(&cluster.servers[number].name);
    // It has no table of values itself, and every server knows what was stored through it.
    assert_eq!(client(&cluster, "PUT", "/v1/kv/a/key", b"value").body, "true");
    assert_eq!(client(&cluster, "GET", "/v1/kv/a/key?raw", b"").body, "value");
    assert_eq!(cluster.servers[1].request("GET", "/v1/kv/a/key?raw&consistent", b"").body, "value");
    assert_eq!(client(&cluster, "GET", "/v1/kv/another", b"").status, 404);
    // What is written anywhere is read through it, and what is written through it is in its own view at once.
    cluster.servers[2].write_within(SOON, "elsewhere").unwrap();
    assert_eq!(cluster.servers[number].has_node("elsewhere", ""), Some(true));
    cluster.servers[number].write_within(SOON, "through").unwrap();
    assert_eq!(cluster.servers[number].has_node("through", "stale"), Some(true));
    assert_eq!(client(&cluster, "GET", "/v1/connect/ca/roots", b"").json()["Roots"][0]["Active"], true);

    let servers =
        |cluster: &TestCluster| cluster.servers[..3].iter().position(|s| s.leader() == Some(s.address()));
    let leader = eventually("the leader is known", || servers(&cluster));
    cluster.servers[leader].kill();
    cluster.servers[number].write_within(PATIENCE, "after").unwrap();
    assert_eq!(cluster.servers[number].has_node("after", "consistent"), Some(true));
}

#[test]
fn a_client_agent_that_restarts_while_no_server_answers_goes_on_with_what_it_knew() {
    let mut cluster = TestCluster::start(1);
    let number = cluster.add(&["-server=false"]);
    cluster.servers[0].write_within(SOON, "before").unwrap();
    cluster.servers[number].wait_for_node("before");
    // Ended in order, it keeps its view.
    let client = cluster.servers[number].process();
    client.signal(Signal::SIGTERM);
    assert!(client.wait(SOON).is_some(), "it ends when it is asked to");
    cluster.servers[number].kill();
    cluster.servers[0].kill();
    cluster.servers[number].launch();
    cluster.servers[number].wait_for_node("before");
    let refused = cluster.servers[number].register("during").unwrap();
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(refused.body.contains("No cluster leader"), "{}", refused.body);
}
