//! Services that refuse what does not come through the mesh.

use crate::lab::{API, Lab, VIRTUAL};
use mesh_agent::dataplane::kernel::{cgroup_id, namespace_cookie};
use mesh_common::{Action, Counter, Destination, StrictPort};
use mesh_tests::within;
use std::time::Duration;

#[test]
fn a_strict_server_is_reached_through_the_mesh_alone() {
    let Some(mut lab) = Lab::build("a_strict_server_is_reached_through_the_mesh_alone") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::STRICT);
    lab.speak(Action::Allow, 0, 0);
    let around = format!("connect {address}");
    let reached = format!("server @ {address}");
    assert_eq!(lab.ask("other", &around), reached, "not strict yet");

    let id = cgroup_id(&lab.cgroup.join("api")).unwrap();
    lab.maps().strict.set(&StrictPort::new(id, address.port().to_be()), &API).unwrap();
    lab.attachment.as_mut().unwrap().guard_strict(true).unwrap();
    let mut stranger = lab.start("other", &around);
    let refused = within(Duration::from_secs(10), || (lab.count(Counter::StrictRefused) > 0).then_some(()));
    assert!(refused.is_some(), "its first packet is dropped and counted");
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), format!("server @ {VIRTUAL}"));
    lab.become_agent();
    assert_eq!(lab.ask("agent", &around), reached, "the agent brings what arrives from other hosts");
    assert!(lab.maps().admitted.is_empty().unwrap());

    lab.attachment.as_mut().unwrap().guard_strict(false).unwrap();
    assert_eq!(stranger.hear(), reached, "it tries again, and nobody minds any more");
}

#[test]
fn an_extension_header_hides_no_syn() {
    let Some(mut lab) = Lab::build("an_extension_header_hides_no_syn") else { return };
    let (_server, address) = lab.serve("api", "serve [::1]:0");
    let padded = format!("padded {address}");
    assert_eq!(lab.ask("other", &padded), format!("server @ {address}"), "not strict yet");
    let id = cgroup_id(&lab.cgroup.join("api")).unwrap();
    lab.maps().strict.set(&StrictPort::new(id, address.port().to_be()), &API).unwrap();
    lab.attachment.as_mut().unwrap().guard_strict(true).unwrap();
    let _stranger = lab.start("other", &padded);
    let refused = within(Duration::from_secs(10), || (lab.count(Counter::StrictRefused) > 0).then_some(()));
    assert!(refused.is_some(), "its SYN is seen behind the extension header");
}

#[test]
fn a_strict_servers_own_address_is_refused_at_once_to_all_but_itself_and_the_agent() {
    let test = "a_strict_servers_own_address_is_refused_at_once_to_all_but_itself_and_the_agent";
    let Some(mut lab) = Lab::build(test) else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    let namespace = namespace_cookie().unwrap();
    lab.maps().destination.set(&address.into(), &Destination::guarded(API, namespace)).unwrap();
    lab.speak(Action::Allow, 0, 0);
    let id = cgroup_id(&lab.cgroup.join("api")).unwrap();
    lab.maps().strict.set(&StrictPort::new(id, address.port().to_be()), &API).unwrap();
    lab.become_agent();
    lab.attachment.as_mut().unwrap().guard_strict(true).unwrap();
    let around = format!("connect {address}");
    for (below, refused) in [("other", 1), ("web", 2)] {
        assert_eq!(lab.ask(below, &around), "ConnectionRefused", "{below}");
        assert_eq!(lab.count(Counter::StrictRefused), refused);
    }
    for below in ["api", "agent"] {
        assert_eq!(lab.ask(below, &around), format!("server @ {address}"), "{below}");
    }
    let elsewhere = Destination::guarded(API, namespace + 1);
    lab.maps().destination.set(&address.into(), &elsewhere).unwrap();
    lab.attachment.as_mut().unwrap().guard_strict(false).unwrap();
    assert_eq!(lab.ask("other", &around), format!("server @ {address}"), "it is another namespace's address");
}
