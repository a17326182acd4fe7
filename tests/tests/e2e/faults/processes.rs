//! Processes die, stop for a while, restart, and find another time of day.

use super::{CLIENT, Props, SERVERS, compacting, soon, under_load};
use mesh_tests::cluster::TestServer;
use nix::sys::signal::Signal;
use std::time::Duration;

#[test]
fn servers_are_killed_one_after_the_other() {
    under_load("servers are killed one after the other", Props::default(), |scene| {
        for _ in 0..2 {
            let leader = scene.leader();
            for victim in [leader, (leader + 1) % SERVERS] {
                scene.cluster.servers[victim].kill();
                scene.accepts((victim + 2) % SERVERS, "when a server was killed");
                scene.writes_go_on("when a server was killed");
                scene.cluster.servers[victim].launch();
                scene.accepts(victim, "when it is back");
            }
        }
    });
}

#[test]
fn all_servers_are_killed_at_once() {
    under_load("all servers are killed at once", Props::default(), |scene| {
        for _ in 0..2 {
            scene.cluster.servers[..SERVERS].iter_mut().for_each(TestServer::kill);
            scene.cluster.servers[..SERVERS].iter_mut().for_each(TestServer::launch);
            scene.accepts(0, "when all are back");
            scene.writes_go_on("when all are back");
        }
    });
}

#[test]
fn all_agents_restart_in_turn() {
    under_load("all agents restart in turn", Props::default(), |scene| {
        for agent in 0..=CLIENT {
            let process = scene.cluster.servers[agent].process();
            process.signal(Signal::SIGTERM);
            assert!(process.wait(Duration::from_secs(20)).is_some(), "s{agent} ends when it is asked to");
            scene.cluster.servers[agent].kill();
            scene.writes_go_on("while one restarts");
            scene.cluster.servers[agent].launch();
            scene.accepts(agent, "when it has restarted");
        }
    });
}

#[test]
fn a_leader_that_stands_still_for_a_while_is_replaced_and_believes_it() {
    under_load("a leader that stands still is replaced", Props::default(), |scene| {
        let leader = scene.leader();
        scene.cluster.servers[leader].process().signal(Signal::SIGSTOP);
        scene.accepts((leader + 1) % SERVERS, "while the leader stands still");
        scene.writes_go_on("while the leader stands still");
        scene.cluster.servers[leader].process().signal(Signal::SIGCONT);
        scene.accepts(leader, "when it goes on");
    });
}

#[test]
fn a_follower_that_lags_gets_a_snapshot() {
    let props = Props { config: compacting(), ..Props::default() };
    under_load("a follower that lags gets a snapshot", props, |scene| {
        let follower = scene.follower();
        scene.cluster.servers[follower].kill();
        for _ in 0..6 {
            scene.writes_go_on("while a follower is away");
        }
        scene.cluster.servers[follower].launch();
        scene.accepts(follower, "when it is back");
        let got = "a snapshot of the leader replaces the state";
        let log = || scene.cluster.servers[follower].log();
        soon("the follower gets a snapshot", || log().contains(got).then_some(()));
    });
}

#[test]
fn the_time_of_day_jumps() {
    let props = Props { clocks: true, ..Props::default() };
    under_load("the time of day jumps", props, |scene| {
        let leader = scene.leader();
        for (who, seconds) in
            [(leader, 3600), (leader, -86_400), ((leader + 1) % SERVERS, 86_400), (CLIENT, 7200)]
        {
            scene.clocks[who].shift(seconds);
            scene.writes_go_on("when a clock has jumped");
            scene.accepts(who, "when its clock has jumped");
        }
        assert_eq!(scene.leader(), leader, "the time of day says nothing about who lives");
        // With the time of another day it starts, too.
        let follower = (leader + 1) % SERVERS;
        scene.cluster.servers[follower].kill();
        scene.cluster.servers[follower].launch();
        scene.accepts(follower, "when it has started with a wrong clock");
        scene.clocks.iter().for_each(|clock| clock.shift(0));
    });
}
