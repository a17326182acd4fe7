//! Servers know of each other who lives, and the catalog follows.

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::wait::eventually;

/// Three servers of one cluster that gossip, too.
fn cluster() -> TestCluster {
    let cluster = TestCluster::start(3);
    for server in &cluster.servers[1..] {
        let first = format!("127.0.0.1:{}", cluster.servers[0].serf_port);
        let joined = server.mesh(&["join", &first]).success();
        assert_eq!(joined, "Successfully joined cluster by contacting 1 nodes.\n");
    }
    for server in &cluster.servers {
        sees(server, &[("s0", "alive"), ("s1", "alive"), ("s2", "alive")]);
    }
    cluster
}

/// Names and states, as `mesh members` shows them.
fn members(server: &TestServer) -> Vec<(String, String)> {
    let listed = server.mesh(&["members"]).stdout;
    let rows = listed.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.map(|row| (row[0].to_owned(), row[2].to_owned())).collect()
}

#[track_caller]
fn sees(server: &TestServer, wanted: &[(&str, &str)]) {
    eventually(&format!("{} sees {wanted:?}", server.name), || {
        let found = members(server);
        found
            .iter()
            .map(|(name, state)| (name.as_str(), state.as_str()))
            .eq(wanted.iter().copied())
            .then_some(())
    });
}

/// What the catalog says of a node's life; empty where it does not have the node.
#[track_caller]
fn health(server: &TestServer, node: &str, wanted: &str) {
    eventually(&format!("{node} is {wanted:?} in the catalog"), || {
        let checks = server.try_request("GET", &format!("/v1/health/node/{node}"), b"")?.json();
        let own = checks.as_array()?.iter().find(|check| check["CheckID"] == "serfHealth");
        (own.map_or("", |check| check["Status"].as_str().unwrap_or("")) == wanted).then_some(())
    });
}

/// The first server that does not lead, and another that stays.
fn follower(cluster: &TestCluster) -> (usize, usize) {
    let leader = cluster.wait_for_leader();
    let follower = (leader + 1) % 3;
    (follower, leader)
}

#[test]
fn a_server_that_dies_has_failed_and_is_alive_when_it_is_back() {
    let mut cluster = cluster();
    let (victim, other) = follower(&cluster);
    let name = cluster.servers[victim].name.clone();
    cluster.servers[victim].kill();
    let states = |state| {
        let state_of = move |at: usize| if at == victim { state } else { "alive" };
        [("s0", state_of(0)), ("s1", state_of(1)), ("s2", state_of(2))]
    };
    sees(&cluster.servers[other], &states("failed"));
    health(&cluster.servers[other], &name, "critical");
    cluster.servers[victim].launch();
    for server in &cluster.servers {
        sees(server, &states("alive"));
    }
    health(&cluster.servers[other], &name, "passing");
}

#[test]
fn a_server_that_leaves_is_gone_from_the_catalog_and_from_the_voters() {
    let mut cluster = cluster();
    let (leaver, other) = follower(&cluster);
    let name = cluster.servers[leaver].name.clone();
    cluster.servers[leaver].mesh(&["leave"]).success();
    let state = |at: usize| if at == leaver { "left" } else { "alive" };
    sees(&cluster.servers[other], &[("s0", state(0)), ("s1", state(1)), ("s2", state(2))]);
    cluster.servers[leaver].kill();
    health(&cluster.servers[other], &name, "");
    eventually("two servers vote", || {
        let peers = cluster.servers[other].request("GET", "/v1/status/peers", b"").json();
        (peers.as_array()?.len() == 2).then_some(())
    });
}

#[test]
fn one_that_failed_can_be_said_to_have_left() {
    let mut cluster = cluster();
    let (victim, other) = follower(&cluster);
    let name = cluster.servers[victim].name.clone();
    cluster.servers[victim].kill();
    health(&cluster.servers[other], &name, "critical");
    cluster.servers[other].mesh(&["force-leave", &name]).success();
    health(&cluster.servers[other], &name, "");
    cluster.servers[other].mesh(&["force-leave", "-prune", &name]).success();
    eventually("it is not shown any more", || (members(&cluster.servers[other]).len() == 2).then_some(()));
    let nobody = cluster.servers[other].mesh(&["force-leave", "nobody"]);
    assert_eq!(nobody.status, Some(1));
    assert!(nobody.stderr.contains("No node found with name 'nobody'"), "{}", nobody.stderr);
}

#[test]
fn keys_rotate_while_servers_run_and_the_old_one_opens_nothing_any_more() {
    let cluster = cluster();
    let [first, second, third] = [0, 1, 2].map(|at| &cluster.servers[at]);
    let new = first.mesh(&["keygen"]).success().trim().to_owned();
    let old = eventually("all are members of both pools", || {
        let listed = first.mesh(&["keyring", "-list"]).success();
        let keys: Vec<&str> = listed.lines().filter_map(|line| line.trim().strip_suffix(" [3/3]")).collect();
        (keys.len() == 2).then(|| keys[0].to_owned())
    });
    let refused = second.mesh(&["keyring", "-use", &new]);
    assert!(refused.stderr.contains("does not have the key"), "{}", refused.stderr);
    first.mesh(&["keyring", "-install", &new]).success();
    second.mesh(&["keyring", "-use", &new]).success();
    third.mesh(&["keyring", "-remove", &old]).success();
    let listed = third.mesh(&["keyring", "-list"]).success();
    assert_eq!(listed.matches(&format!("  {new} [3/3]")).count(), 2, "WAN and LAN: {listed}");
    assert!(!listed.contains(&old), "{listed}");
    let mut cluster = cluster;
    // It has the secret of the configuration alone, which was rotated away.
    let late = cluster.add(&[]);
    eventually("the late one serves its API", || {
        cluster.servers[late].try_request("GET", "/v1/agent/self", b"")
    });
    let address = format!("127.0.0.1:{}", cluster.servers[0].serf_port);
    let joined = cluster.servers[late].mesh(&["join", &address]);
    assert_eq!(joined.status, Some(1));
    assert!(joined.stderr.contains("its gossip keys are others"), "{}", joined.stderr);
}
