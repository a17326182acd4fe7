//! The network does not carry everything.

use super::{CLIENT, Props, SERVERS, Scene, soon, under_load};

/// What is done to a host's network.
type Cut = fn(&Scene, usize);

/// A server other than this one that leads, known to those on its side.
fn another_leads(scene: &Scene, not: usize) -> usize {
    soon("the others have another leader", || {
        let servers = &scene.cluster.servers[..SERVERS];
        (0..SERVERS).find(|number| {
            let address = servers[*number].address();
            let others = (0..SERVERS).filter(|other| *other != not);
            *number != not && others.into_iter().all(|at| servers[at].leader().as_deref() == Some(&address))
        })
    })
}

/// It does not go on saying that it leads, nor does it answer for a leader.
fn steps_down(scene: &Scene, leader: usize) {
    let server = &scene.cluster.servers[leader];
    soon("a leader that is alone knows of none", || server.leader().is_none().then_some(()));
    let read = server.request("GET", "/v1/catalog/nodes", b"");
    assert_eq!(
        read.status, 500,
        "a read through {} is answered from an old state: {}",
        server.name, read.body
    );
}

#[test]
fn a_leader_that_is_cut_off_is_replaced() {
    under_load("a leader that is cut off is replaced", Props::default(), |scene| {
        let leader = scene.leader();
        scene.lan.part(&[leader]);
        let next = another_leads(scene, leader);
        scene.accepts(next, "while the old leader is cut off");
        scene.writes_go_on("while the old leader is cut off");
        steps_down(scene, leader);
        scene.lan.heal();
    });
}

#[test]
fn a_leader_that_is_not_heard_is_replaced() {
    under_load("a leader that is not heard is replaced", Props::default(), |scene| {
        let leader = scene.leader();
        scene.lan.mute(leader);
        let next = another_leads(scene, leader);
        scene.accepts(next, "while the old leader is not heard");
        scene.writes_go_on("while the old leader is not heard");
        scene.lan.heal();
    });
}

#[test]
fn a_leader_that_hears_nothing_is_replaced() {
    under_load("a leader that hears nothing is replaced", Props::default(), |scene| {
        let leader = scene.leader();
        scene.lan.deafen(leader);
        let next = another_leads(scene, leader);
        scene.accepts(next, "while the old leader hears nothing");
        scene.writes_go_on("while the old leader hears nothing");
        steps_down(scene, leader);
        scene.lan.heal();
    });
}

#[test]
fn followers_that_are_cut_off_one_way_or_the_other_disturb_nobody() {
    under_load("followers that are cut off disturb nobody", Props::default(), |scene| {
        let leader = scene.leader();
        let follower = (leader + 1) % SERVERS;
        let cuts: [(&str, Cut); 3] = [
            ("a follower is cut off", |scene, follower| scene.lan.part(&[follower])),
            ("a follower is not heard", |scene, follower| scene.lan.mute(follower)),
            ("a follower hears nothing", |scene, follower| scene.lan.deafen(follower)),
        ];
        for (what, cut) in cuts {
            cut(scene, follower);
            scene.accepts(leader, what);
            scene.writes_go_on(what);
            scene.lan.heal();
            scene.accepts(follower, "when it is back");
            assert_eq!(scene.leader(), leader, "{what}: the leader changed");
        }
    });
}

#[test]
fn a_client_agent_that_is_cut_off_from_a_server_asks_another() {
    under_load("a client agent goes to another server", Props::default(), |scene| {
        // Whichever it asks, it is among these two.
        for far in [[0, 1], [1, 2], [2, 0]] {
            for server in far {
                scene.lan.silence(server, CLIENT);
                scene.lan.silence(CLIENT, server);
            }
            scene.accepts(CLIENT, "when it reaches one server alone");
            scene.lan.heal();
        }
    });
}
