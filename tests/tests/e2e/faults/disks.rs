//! Disks are slow, or fail.

use super::{Props, SERVERS, Scene, soon, under_load};
use mesh_tests::disk::{Sync, syncing};
use mesh_tests::skip;
use std::time::Duration;

/// A server's disk fares like this from now on; nothing where that cannot be had here.
fn start_anew(scene: &mut Scene, server: usize, how: Sync) -> Option<()> {
    let command = syncing(how).inspect_err(|reason| skip("disks are slow, or fail", reason)).ok()?;
    scene.cluster.servers[server].kill();
    scene.cluster.servers[server].launch_under(command);
    scene.accepts(server, "when it has another disk");
    Some(())
}

/// The operator makes this server lead.
fn make_leader(scene: &Scene, server: usize) {
    let mesh = |arguments: &[&str]| scene.cluster.servers[server].mesh(arguments);
    let listed = mesh(&["operator", "raft", "list-peers"]).success();
    let row = listed.lines().find(|row| row.starts_with(&format!("s{server} "))).expect("it is listed");
    let id = row.split_whitespace().nth(1).expect("a row has an id");
    soon("it leads", || {
        let handed = mesh(&["operator", "raft", "transfer-leader", "-id", id]);
        (handed.status == Some(0) || scene.cluster.leader() == Some(server)).then_some(())
    });
}

#[test]
fn a_followers_disk_is_slow_and_the_others_go_on() {
    under_load("a follower's disk is slow", Props::default(), |scene| {
        let leader = scene.leader();
        let follower = (leader + 1) % SERVERS;
        // Longer than an election takes.
        let Some(()) = start_anew(scene, follower, Sync::Slow(Duration::from_secs(1))) else { return };
        for _ in 0..5 {
            scene.writes_go_on("while a follower's disk is slow");
        }
        assert_eq!(scene.leader(), leader, "a slow follower deposes nobody");
        scene.cluster.servers[follower].kill();
        scene.cluster.servers[follower].launch();
        scene.accepts(follower, "when its disk is as it was");
    });
}

#[test]
fn the_leaders_disk_is_slow_and_writes_go_on_slowly_or_elsewhere() {
    under_load("the leader's disk is slow", Props::default(), |scene| {
        let slow = scene.follower();
        let Some(()) = start_anew(scene, slow, Sync::Slow(Duration::from_millis(300))) else { return };
        make_leader(scene, slow);
        for _ in 0..3 {
            scene.writes_go_on("while the leader's disk is slow");
        }
        scene.accepts((slow + 1) % SERVERS, "while the leader's disk is slow");
        scene.cluster.servers[slow].kill();
        scene.cluster.servers[slow].launch();
    });
}

#[test]
fn a_server_whose_disk_fails_ends_and_says_so() {
    under_load("a server's disk fails", Props::default(), |scene| {
        let failing = scene.follower();
        let Some(()) = start_anew(scene, failing, Sync::Failing { after: 40 }) else { return };
        let ended = soon("the server ends", || scene.cluster.servers[failing].process().ended());
        assert!(!ended.success(), "{ended:?}");
        let log = scene.cluster.servers[failing].log();
        assert!(log.contains("nothing is acknowledged any more"), "{log}");
        scene.cluster.servers[failing].kill();
        scene.writes_go_on("when the server has ended");
        scene.cluster.servers[failing].launch();
        scene.accepts(failing, "when it has another disk");
    });
}
