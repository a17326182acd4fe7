//! One fault after the other, drawn by chance, for as long as is asked: `cargo xtask test soak`.

use super::{CLIENT, Props, SERVERS, Scene, compacting, under_load};
use mesh_tests::cluster::TestServer;
use mesh_tests::wait::pause_for;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

/// A fault, its end, and what it is called. Who it meets is drawn, too.
type Fault = (&'static str, fn(&mut Scene, usize), fn(&mut Scene, usize));

const FAULTS: [Fault; 9] = [
    ("cut off", |scene, who| scene.lan.part(&[who]), heal),
    ("not heard", |scene, who| scene.lan.mute(who), heal),
    ("deaf", |scene, who| scene.lan.deafen(who), heal),
    ("cut off from its neighbour", |scene, who| scene.lan.silence(who, (who + 1) % SERVERS), heal),
    (
        "killed",
        |scene, who| scene.cluster.servers[who].kill(),
        |scene, who| scene.cluster.servers[who].launch(),
    ),
    (
        "standing still",
        |scene, who| signal(scene, who, Signal::SIGSTOP),
        |scene, who| {
            signal(scene, who, Signal::SIGCONT);
        },
    ),
    ("an hour ahead", |scene, who| scene.clocks[who].shift(3600), |scene, who| scene.clocks[who].shift(0)),
    ("a day behind", |scene, who| scene.clocks[who].shift(-86_400), |scene, who| scene.clocks[who].shift(0)),
    (
        "killed with all servers",
        |scene, _| servers(scene, TestServer::kill),
        |scene, _| servers(scene, TestServer::launch),
    ),
];

fn heal(scene: &mut Scene, _who: usize) {
    scene.lan.heal();
}

fn signal(scene: &mut Scene, who: usize, signal: Signal) {
    scene.cluster.servers[who].process().signal(signal);
}

fn servers(scene: &mut Scene, act: fn(&mut TestServer)) {
    scene.cluster.servers[..SERVERS].iter_mut().for_each(act);
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
#[ignore = "takes minutes: cargo xtask test soak"]
fn faults_follow_each_other() {
    let minutes = from_environment("MESH_SOAK_MINUTES", 5);
    let seed = from_environment("MESH_SOAK_SEED", 1);
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let mut random = StdRng::seed_from_u64(seed);
    while Instant::now() < until {
        let props = Props { config: compacting(), clocks: true, seed: random.random() };
        let draws: Vec<(Fault, usize, u64)> = (0..8)
            .map(|_| {
                let fault = *FAULTS.choose(&mut random).unwrap();
                (fault, random.random_range(0..=CLIENT), random.random_range(200..4000))
            })
            .collect();
        under_load("faults follow each other", props, move |scene| {
            for ((what, begin, end), who, lasts) in draws {
                println!("s{who} is {what} for {lasts} ms");
                begin(scene, who);
                pause_for(Duration::from_millis(lasts));
                end(scene, who);
                scene.writes_go_on("when that is over");
            }
        });
    }
}
