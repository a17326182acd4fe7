//! Who may connect as whom.

use crate::lab::{Lab, VIRTUAL};
use mesh_agent::dataplane::kernel::cgroup_id;
use mesh_common::{Action, Config, Counter, Destination};
use std::fs;

#[test]
fn a_process_of_no_service_reaches_no_virtual_address() {
    let Some(mut lab) = Lab::build("a_process_of_no_service_reaches_no_virtual_address") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    assert_eq!(lab.ask("other", &format!("connect {VIRTUAL}")), "ConnectionRefused");
    assert_eq!(lab.ask("other", &format!("mapped {VIRTUAL}")), "ConnectionRefused");
    assert_eq!(lab.ask("other", &format!("connect {address}")), format!("server @ {address}"));
    assert_eq!(lab.count(Counter::Strangers), 2);
}

#[test]
fn a_socket_made_elsewhere_lends_no_identity() {
    let Some(mut lab) = Lab::build("a_socket_made_elsewhere_lends_no_identity") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    let mut client = lab.start("other", &format!("late {VIRTUAL}"));
    assert_eq!(client.hear(), "ready");
    fs::write(lab.cgroup.join("web/cgroup.procs"), client.pid().to_string()).unwrap();
    client.tell();
    assert_eq!(client.hear(), "PermissionDenied");
    assert_eq!(lab.count(Counter::Borrowed), 1);
}

#[test]
fn the_agents_own_connects_are_left_alone() {
    let Some(mut lab) = Lab::build("the_agents_own_connects_are_left_alone") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    let remote = Destination::remote(crate::lab::API, Destination::VIRTUAL);
    lab.maps().destination.set(&address.into(), &remote).unwrap();
    lab.speak(Action::Deny, 0, 0);
    assert_eq!(lab.ask("agent", &format!("connect {address}")), "ConnectionRefused");
    let agent_cgroup = cgroup_id(&lab.cgroup.join("agent")).unwrap();
    let config = Config { agent_cgroup, ..lab.maps().config().unwrap() };
    lab.maps().set_config(config).unwrap();
    assert_eq!(lab.ask("agent", &format!("connect {address}")), format!("server @ {address}"));
}
