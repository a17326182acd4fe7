//! Where a connect goes.

use crate::lab::{API, Lab, VIRTUAL, VIRTUAL_V6, WEB, endpoint};
use mesh_agent::dataplane::kernel::namespace_cookie;
use mesh_common::{Action, Counter, Destination};

#[test]
fn a_virtual_address_reaches_the_server_on_this_host() {
    let Some(mut lab) = Lab::build("a_virtual_address_reaches_the_server_on_this_host") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Deny, 0, 0);
    lab.rule(WEB, API, Action::Allow);
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), format!("server @ {VIRTUAL}"));
    assert_eq!(lab.ask("web/deep", &format!("connect {VIRTUAL}")), format!("server @ {VIRTUAL}"));
    assert_eq!((lab.count(Counter::Local), lab.count(Counter::Redirected)), (2, 0));
}

#[test]
fn one_address_at_every_port_is_one_entry() {
    let Some(mut lab) = Lab::build("one_address_at_every_port_is_one_entry") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local("240.0.0.7:0", address, 0);
    lab.speak(Action::Allow, 0, 0);
    assert_eq!(lab.ask("web", "connect 240.0.0.7:4711"), "server @ 240.0.0.7:4711");
}

#[test]
fn a_denied_connect_fails_at_once_and_is_told() {
    let Some(mut lab) = Lab::build("a_denied_connect_fails_at_once_and_is_told") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    lab.rule(WEB, API, Action::Deny);
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), "PermissionDenied");
    assert_eq!(lab.ask("web", &format!("mapped {VIRTUAL}")), "PermissionDenied");
    assert_eq!((lab.count(Counter::Denied), lab.count(Counter::Local)), (2, 0));
    let denied = lab.maps().next_denied().expect("a denial is an event");
    assert_eq!((denied.source, denied.destination, denied.endpoint), (WEB, API, endpoint(VIRTUAL)));
}

#[test]
fn without_a_rule_the_default_decides() {
    let Some(mut lab) = Lab::build("without_a_rule_the_default_decides") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    for (default, found) in [(Action::Deny, "PermissionDenied"), (Action::Allow, "server @ 240.0.0.7:80")] {
        lab.speak(default, 0, 0);
        assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), found);
    }
}

#[test]
fn leg_f_hears_who_asked_for_what() {
    let Some(mut lab) = Lab::build("leg_f_hears_who_asked_for_what") else { return };
    let (_leg, v4) = lab.serve("agent", "leg 127.0.0.1:0");
    let (_leg6, v6) = lab.serve("agent", "leg [::1]:0");
    lab.remote(VIRTUAL);
    lab.remote(VIRTUAL_V6);
    lab.speak(Action::Allow, v4.port(), v6.port());
    let told = |address: &str| format!("{WEB}>{API} {address} @ {address}");
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), told(VIRTUAL));
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL_V6}")), told(VIRTUAL_V6));
    let mapped = format!("{WEB}>{API} {VIRTUAL} @ [::ffff:240.0.0.7]:80");
    assert_eq!(lab.ask("web", &format!("mapped {VIRTUAL}")), mapped);
    assert_eq!(lab.count(Counter::Redirected), 3);
}

#[test]
fn leg_f_hears_nothing_of_who_dials_it() {
    let Some(mut lab) = Lab::build("leg_f_hears_nothing_of_who_dials_it") else { return };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    lab.speak(Action::Allow, leg.port(), 0);
    for from in ["web", "other"] {
        assert_eq!(lab.ask(from, &format!("connect {leg}")), format!("nobody was sent @ {leg}"));
    }
}

#[test]
fn an_address_outside_the_mesh_is_left_alone() {
    let Some(mut lab) = Lab::build("an_address_outside_the_mesh_is_left_alone") else { return };
    let (_server, address) = lab.serve("api", "serve 127.0.0.1:0");
    lab.speak(Action::Deny, 0, 0);
    assert_eq!(lab.ask("web", &format!("connect {address}")), format!("server @ {address}"));
    assert_eq!(lab.count(Counter::Seen), 1);
}

#[test]
fn a_server_in_another_network_namespace_is_reached_through_the_agent() {
    let Some(mut lab) = Lab::build("a_server_in_another_network_namespace_is_reached_through_the_agent")
    else {
        return;
    };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    let another = namespace_cookie().unwrap().wrapping_add(1);
    let elsewhere = Destination::local(API, Destination::VIRTUAL, endpoint("127.0.0.1:1"), another);
    lab.maps().destination.set(&endpoint(VIRTUAL), &elsewhere).unwrap();
    lab.speak(Action::Allow, leg.port(), 0);
    assert_eq!(lab.ask("web", &format!("connect {VIRTUAL}")), format!("{WEB}>{API} {VIRTUAL} @ {VIRTUAL}"));
}

#[test]
fn a_client_in_another_network_namespace_is_not_sent_to_this_ones_leg_f() {
    let Some(mut lab) = Lab::build("a_client_in_another_network_namespace_is_not_sent_to_this_ones_leg_f")
    else {
        return;
    };
    let (_leg, leg) = lab.serve("agent", "leg 127.0.0.1:0");
    lab.remote(VIRTUAL);
    lab.speak(Action::Allow, leg.port(), 0);
    assert!(!lab.ask("web", &format!("apart {VIRTUAL}")).contains('@'));
    assert_eq!((lab.count(Counter::Unserved), lab.count(Counter::Redirected)), (1, 0));
}
