//! Keys of gossip, which are rotated in all pools of all datacenters at once.

use super::{alive, federated};
use mesh_tests::cluster::TestServer;
use mesh_tests::wait::eventually;

/// Each pool with its keys and how many have them, as `keyring -list` shows it.
fn listed(server: &TestServer, flags: &[&str]) -> Vec<(String, Vec<String>)> {
    let text = server.mesh(&[&["keyring", "-list"], flags].concat()).success();
    let mut pools: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("  "), pools.last_mut()) {
            (Some(key), Some((_, keys))) => keys.push(key.to_owned()),
            _ => pools.push((line.trim_end_matches(':').to_owned(), Vec::new())),
        }
    }
    pools
}

/// Where all members of all pools have these keys.
fn everywhere(keys: &[&str]) -> Vec<(String, Vec<String>)> {
    let pools = [("WAN", 3), ("dc1 (LAN)", 3), ("dc2 (LAN)", 1)];
    let with = |count| keys.iter().map(|key| format!("{key} [{count}/{count}]")).collect();
    pools.map(|(pool, count)| (pool.to_owned(), with(count))).to_vec()
}

#[test]
fn a_key_is_rotated_in_all_pools_of_all_datacenters_and_stays_after_a_restart() {
    let (mut one, mut two) = federated(2, 1, &[]);
    let client = one.add(&["-server=false"]);
    let old = eventually("all pools are whole", || {
        let pools = listed(&one.servers[0], &[]);
        let old = pools[0].1.first()?.split(' ').next()?.to_owned();
        (pools == everywhere(&[&old])).then_some(old)
    });
    let agent = &one.servers[client];
    eventually("the client agent asks a server", || {
        (agent.mesh(&["keyring", "-list"]).status == Some(0)).then_some(())
    });
    let new = agent.mesh(&["keygen"]).success().trim().to_owned();
    let refused = agent.mesh(&["keyring", "-use", &new]);
    for pool in ["WAN: ", "dc1 (LAN): ", "dc2 (LAN): "] {
        assert!(refused.stderr.contains(pool), "{pool}: {}", refused.stderr);
    }
    let flag = agent.mesh(&["keyring", "-install", &new, "-local-only"]);
    assert!(flag.stderr.contains("-local-only can only be set for list requests"), "{}", flag.stderr);

    agent.mesh(&["keyring", "-install", &new]).success();
    let mut both = [old.as_str(), new.as_str()];
    both.sort_unstable();
    assert_eq!(listed(agent, &[]), everywhere(&both));
    // Ordered from the other end, and twice: what is done is done.
    for arguments in [["keyring", "-use", &new], ["keyring", "-use", &new], ["keyring", "-remove", &old]] {
        two.servers[0].mesh(&arguments).success();
    }
    assert_eq!(listed(agent, &[]), everywhere(&[&new]));
    let local = everywhere(&[&new])[1..2].to_vec();
    assert_eq!(listed(agent, &["-local-only"]), local);

    two.servers[0].kill();
    one.servers[1].kill();
    two.servers[0].launch();
    one.servers[1].launch();
    for server in one.servers[..2].iter().chain(&two.servers) {
        eventually(&format!("{} of {} is back in both pools", server.name, server.wan_port), || {
            server.try_request("GET", "/v1/agent/self", b"")?;
            (alive(server).len() == 3).then_some(())
        });
    }
    eventually("all have the new key alone", || {
        let keyring = two.servers[0].mesh(&["keyring", "-list"]);
        (keyring.status == Some(0) && listed(&two.servers[0], &[]).len() == 3).then_some(())
    });
    let text = two.servers[0].mesh(&["keyring", "-list"]).success();
    assert!(text.contains(&format!("{new} [3/3]")) && !text.contains(&old), "{text}");
    let there = one.servers[0].request("GET", "/v1/catalog/nodes?dc=dc2", b"");
    assert_eq!(there.status, 200, "{}", there.body);
}
