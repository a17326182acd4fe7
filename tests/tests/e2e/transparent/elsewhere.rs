//! Programs in another network namespace than the agent's, as in a container: nothing leads out of it.

use super::clients::CLIENTS;
use super::names::{ASK, ELSEWHERE, V4, asking, resolver};
use super::{Scene, curl, eventually_reached, mesh_denies, transparently};
use mesh_tests::netns::Namespace;
use mesh_tests::{Output, Process, eventually, run};
use nix::sys::signal::Signal;
use std::process::Command;

fn within(inside: &Namespace, mut command: Command) -> Command {
    inside.enter(&mut command);
    command
}

/// What curl finds there, from that cgroup.
fn fetch(scene: &Scene, inside: &Namespace, below: &str, url: &str) -> Output {
    run(&mut within(inside, scene.cgroups.enter(below, curl(url))))
}

fn python(scene: &Scene, inside: &Namespace, script: &str, arguments: &[&str]) -> String {
    run(&mut within(inside, scene.python("client", script, arguments))).success()
}

/// A process that stays there, as a container's first.
fn dweller(scene: &Scene, inside: &Namespace) -> Process {
    let mut command = Command::new("sleep");
    command.arg("600");
    let command = within(inside, scene.cgroups.enter("client", command));
    Process::start(command, &scene.directory.path().join("dweller.log"))
}

fn networks() -> Vec<String> {
    let status = run(&mut super::mesh(&["dataplane", "status"])).success();
    status.lines().filter(|line| line.starts_with("network.")).map(str::to_owned).collect()
}

#[test]
fn a_container_without_a_network_reaches_services_and_is_held_to_intentions() {
    transparently("elsewhere", |scene| {
        for service in ["web", "far"] {
            eventually_reached(&scene, service);
        }
        let inside = Namespace::new().unwrap();
        let [web, far] = ["web", "far"].map(|service| scene.virtual_ip(service).to_string());
        let url = |address: &str| format!("http://{address}/");
        let before = scene.counter("unserved");
        // Where programs are slow to begin, the agent would be there before this one asks.
        scene.agent.signal(Signal::SIGSTOP);
        assert_eq!(
            fetch(&scene, &inside, "client", &url(&web)).status,
            Some(7),
            "the agent is not there yet"
        );
        scene.agent.signal(Signal::SIGCONT);
        assert!(scene.counter("unserved") > before, "and that is counted");

        let dweller = dweller(&scene, &inside);
        for (address, text) in [(&web, "web"), (&far, "far")] {
            eventually("it is reached", || {
                (fetch(&scene, &inside, "client", &url(address)).stdout == text).then_some(())
            });
            let found = python(&scene, &inside, CLIENTS, &[address, "80"]);
            assert_eq!(found, format!("{text}\n").repeat(4));
        }
        assert!(networks()[0].ends_with("served (client is in it)"), "{:?}", networks());
        assert_eq!(fetch(&scene, &inside, "vault", &url(&far)).status, Some(7), "a stranger in there");

        inside.run(|| resolver(V4)); // Which only programs in there reach.
        for (name, address) in
            [("web.virtual.consul", web.clone()), ("www.example.com", ELSEWHERE.to_string())]
        {
            let found = python(&scene, &inside, ASK, &[name, V4]);
            assert_eq!(found, format!("{address}\n").repeat(5), "{name}");
        }
        let named = asking(V4, scene.directory.path(), &curl("http://far.virtual.consul/"));
        assert_eq!(run(&mut within(&inside, scene.cgroups.enter("client", named))).success(), "far");

        mesh_denies("client", "*");
        for address in [&web, &far] {
            eventually("it is denied", || {
                (fetch(&scene, &inside, "client", &url(address)).status == Some(7)).then_some(())
            });
        }
        drop(dweller);
        eventually("the agent leaves with the last of them", || networks().is_empty().then_some(()));
    });
}
