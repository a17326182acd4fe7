//! Agents find each other by the gossip of any one of them.

use mesh_tests::cluster::{TestCluster, TestServer};
use mesh_tests::wait::{PATIENCE, eventually};

/// A port where nobody gossips.
const NOBODY: u16 = 9;

#[track_caller]
fn wait_for_member(server: &TestServer, name: &str, state: &str) {
    eventually(&format!("{} sees {name} {state}", server.name), || {
        let members = server.mesh(&["members"]).stdout;
        let row = members.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        row.contains(state).then_some(())
    });
}

#[test]
fn a_client_agent_that_knows_another_client_alone_finds_all_servers() {
    let mut cluster = TestCluster::start(3);
    let first = cluster.add(&["-server=false"]);
    let port = cluster.servers[first].serf_port;
    let second = cluster.add_through(port, &["-server=false"]);
    eventually("it has found all servers", || {
        let members = cluster.servers[second].try_request("GET", "/v1/agent/members", b"")?.json();
        let known =
            |name: &str| members.as_array().is_some_and(|all| all.iter().any(|one| one["Name"] == name));
        ["s0", "s1", "s2"].into_iter().all(known).then_some(())
    });
    cluster.servers[0].wait_for_node("s4");
    // It goes on whichever server dies, and without the agent that it joined.
    cluster.servers[first].kill();
    for number in 0..3 {
        cluster.servers[number].kill();
        cluster.servers[second].write_within(PATIENCE, &format!("without-{number}")).unwrap();
        cluster.servers[number].launch();
        cluster.wait_for_leader();
    }
}

#[test]
fn servers_that_joined_by_hand_found_their_cluster() {
    let cluster = TestCluster::of_strangers(2);
    let port = cluster.servers[0].serf_port;
    eventually("the second one can be asked", || {
        cluster.servers[1].try_request("GET", "/v1/agent/self", b"")
    });
    assert_eq!(cluster.leader(), None);
    cluster.servers[1].mesh(&["join", &format!("127.0.0.1:{port}")]).success();
    cluster.wait_for_leader();
    let peers = cluster.servers[0].request("GET", "/v1/status/peers", b"").json();
    assert_eq!(peers.as_array().unwrap().len(), 2, "{peers}");
    cluster.servers[0].write_within(PATIENCE, "written").unwrap();
}

#[test]
fn who_can_join_nobody_says_so_and_ends() {
    let mut cluster = TestCluster::of_strangers(1);
    let nobody = format!("127.0.0.1:{NOBODY}");
    let table = [
        (vec![format!("-join={nobody}")], "nobody could be joined: ", "-retry-join"),
        (vec!["-retry-max=1".to_owned()], "nobody could be joined in 1 attempts: ", "did not answer"),
    ];
    for (flags, told, hint) in table {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let number = cluster.add_through(NOBODY, &flags);
        let process = cluster.servers[number].process();
        let status = process.wait(PATIENCE).expect("it ends");
        assert_eq!(status.code(), Some(1), "{flags:?}");
        let log = process.log();
        assert!(log.contains(told) && log.contains(hint), "{flags:?}: {log}");
    }
}

#[test]
fn who_left_comes_back_to_those_it_knew_where_it_is_told_to() {
    let mut cluster = TestCluster::start(1);
    let number = cluster.add(&["-server=false", "-rejoin"]);
    let name = cluster.servers[number].name.clone();
    wait_for_member(&cluster.servers[0], &name, "alive");
    // It gossips before it can be asked.
    eventually("it can be asked", || cluster.servers[number].try_request("GET", "/v1/agent/self", b""));
    cluster.servers[number].mesh(&["leave"]).success();
    wait_for_member(&cluster.servers[0], &name, "left");
    assert!(cluster.servers[number].process().wait(PATIENCE).is_some());
    cluster.servers[number].join_instead(NOBODY);
    cluster.servers[number].launch();
    wait_for_member(&cluster.servers[0], &name, "alive");
}
