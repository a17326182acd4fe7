//! Restarts, dead agents, and what stays behind.

use crate::lab::{Lab, VIRTUAL, WEB};
use mesh_common::{Action, Config, Counter};
use mesh_tests::within;
use std::time::Duration;

#[test]
fn a_dead_agent_is_not_dialled() {
    let Some(mut lab) = Lab::build("a_dead_agent_is_not_dialled") else { return };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    lab.remote(VIRTUAL);
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), "PermissionDenied", "it never spoke");
    lab.speak(Action::Allow, leg.port(), 0);
    let silent = Config { heartbeat: 1, heartbeat_limit: 1, ..lab.maps().config().unwrap() };
    lab.maps().set_config(silent).unwrap();
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), "ConnectionRefused");
    assert_eq!((lab.count(Counter::Unserved), lab.count(Counter::Redirected)), (1, 0));
}

#[test]
fn programs_and_maps_outlive_the_agent_and_are_taken_over() {
    let Some(mut lab) = Lab::build("programs_and_maps_outlive_the_agent_and_are_taken_over") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    let reached = format!("server @ {VIRTUAL}");
    drop(lab.attachment.take());
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), reached, "nobody holds them but their pins");
    lab.attach();
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), reached);
    assert_eq!((lab.count(Counter::Local), lab.maps().destination.len().unwrap()), (2, 1));
}

#[test]
fn no_connection_fails_while_the_programs_are_replaced() {
    let Some(mut lab) = Lab::build("no_connection_fails_while_the_programs_are_replaced") else { return };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    lab.remote(VIRTUAL);
    lab.speak(Action::Allow, leg.port(), 0);
    let mut client = lab.start("web", &format!("ceaselessly {VIRTUAL}"));
    for _ in 0..3 {
        let before = lab.count(Counter::Redirected);
        lab.attach();
        let more =
            within(Duration::from_secs(10), || (lab.count(Counter::Redirected) > before).then_some(()));
        assert!(more.is_some(), "the client goes on");
    }
    client.tell();
    assert_eq!(client.hear(), "0");
}

#[test]
fn detaching_leaves_nothing() {
    let Some(mut lab) = Lab::build("detaching_leaves_nothing") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    let remote = mesh_common::Destination::remote(crate::lab::API, 0);
    lab.maps().destination.set(&address.into(), &remote).unwrap();
    assert_eq!(lab.ask("web", &format!("connect {address}")), "PermissionDenied");
    drop(lab.attachment.take());
    lab.pins.detach().unwrap();
    assert!(!lab.pins.exist());
    assert_eq!(lab.ask("web", &format!("connect {address}")), format!("server @ {address}"));
}

#[test]
fn ten_thousand_connections_leave_no_entry_behind() {
    let Some(mut lab) = Lab::build("ten_thousand_connections_leave_no_entry_behind") else { return };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    lab.remote(VIRTUAL);
    lab.speak(Action::Allow, leg.port(), 0);
    let good = lab.ask("web", &format!("many {VIRTUAL} 10000"));
    assert_eq!(good, "10000", "{:?}", lab.maps().counters());
    assert_eq!((lab.count(Counter::Redirected), lab.count(Counter::Told)), (10_000, 20_000));
    let empty = within(Duration::from_secs(10), || {
        let fill = lab.attachment.as_ref().unwrap().facts().unwrap().maps;
        let kept = ["origin", "admitted"];
        fill.iter().all(|map| !kept.contains(&map.name) || map.entries == 0).then_some(())
    });
    assert!(empty.is_some(), "{:?}", lab.attachment.as_ref().unwrap().facts());
}

#[test]
fn connections_that_never_arrive_leave_no_entry_behind() {
    let Some(mut lab) = Lab::build("connections_that_never_arrive_leave_no_entry_behind") else { return };
    let (leg, address) = lab.serve("agent", "leg 127.0.0.1:0");
    drop(leg);
    lab.remote(VIRTUAL);
    lab.speak(Action::Allow, address.port(), 0);
    assert_eq!(lab.ask("web", &format!("many {VIRTUAL} 100")), "0");
    assert_eq!(lab.count(Counter::Redirected), 100);
    assert!(lab.maps().origin.is_empty().unwrap());
}

#[test]
fn the_kernel_says_what_it_holds() {
    let Some(mut lab) = Lab::build("the_kernel_says_what_it_holds") else { return };
    lab.remote(VIRTUAL);
    let facts = lab.attachment.as_ref().unwrap().facts().unwrap();
    let connect = facts.programs.iter().find(|program| program.name == "mesh_connect4").unwrap();
    assert!(connect.attached && connect.verified_instructions.is_none_or(|count| count > 100), "{connect:?}");
    let fill = |name: &str| facts.maps.iter().find(|map| map.name == name).unwrap().entries;
    assert_eq!((fill("dest"), fill("workload"), fill("origin")), (1, 2, 0));
    assert_eq!(WEB, 1);
}
