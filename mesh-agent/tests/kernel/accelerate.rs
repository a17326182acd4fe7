//! Messages between two sockets of this host that go past TCP.

use crate::lab::{Lab, VIRTUAL, skip};
use mesh_agent::dataplane::kernel::Doubt;
use mesh_common::{Action, Counter, Destination, Flow};

fn accelerated(test: &str) -> Option<Lab> {
    let mut lab = Lab::build(test)?;
    lab.speak(Action::Allow, 0, 0);
    Some(lab)
}

#[test]
fn turns_go_past_tcp_until_the_credit_is_used_up() {
    let Some(mut lab) = accelerated("turns_go_past_tcp_until_the_credit_is_used_up") else { return };
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} 1000 64")), "1000");
    assert_eq!((lab.count(Counter::Moved), lab.count(Counter::FallenBack)), (2_000, 0));
    let turns = Flow::CREDIT / 16_384 + 10;
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} {turns} 16384")), turns.to_string());
    assert_eq!(lab.count(Counter::FallenBack), 2, "once for each direction");
}

#[test]
fn what_was_read_may_be_handed_over_again_but_for_bulk() {
    let test = "what_was_read_may_be_handed_over_again_but_for_bulk";
    let Some(mut lab) = accelerated(test) else { return };
    if let Err(error) = lab.attachment.as_mut().unwrap().hear_reads() {
        return skip(test, &error.to_string());
    }
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    let turns = 3 * Flow::CREDIT / Flow::SMALL;
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} {turns} {}", Flow::SMALL)), turns.to_string());
    assert!(lab.count(Counter::Moved) >= 2 * turns);
    assert_eq!(lab.count(Counter::FallenBack), 0);
    let turns = Flow::CREDIT / 65_536 + 10;
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} {turns} 65536")), turns.to_string());
    assert!(
        lab.count(Counter::FallenBack) >= 1,
        "TCP carries bulk faster; the answers come in smaller pieces"
    );

    let (_server, address) = lab.serve("api", "mute 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    let taken: u64 = lab.ask("web", &format!("stuff {VIRTUAL}")).parse().unwrap();
    assert!(taken <= Flow::CREDIT + (32 << 20), "a reader who never reads: {taken} bytes");
}

#[test]
fn a_reader_that_never_reads_is_not_fed_more_than_the_credit() {
    let Some(mut lab) = accelerated("a_reader_that_never_reads_is_not_fed_more_than_the_credit") else {
        return;
    };
    let (_server, address) = lab.serve("api", "mute 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    let taken: u64 = lab.ask("web", &format!("stuff {VIRTUAL}")).parse().unwrap();
    assert!(lab.count(Counter::Moved) > 0);
    let by_tcp = 32 << 20; // What its own buffers take at the most, on hosts that let them grow.
    assert!(taken <= Flow::CREDIT + by_tcp, "the kernel took {taken} bytes");
}

#[test]
fn nothing_goes_past_tcp_unless_asked_for() {
    let Some(mut lab) = Lab::build("nothing_goes_past_tcp_unless_asked_for") else { return };
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} 10 64")), "10");
    assert_eq!(lab.count(Counter::Moved), 0);
}

/// The kernel's mistake that a trial has to know of, as a program meets it: the answer comes after the parting has
/// been acknowledged.
#[test]
fn a_trial_finds_out_whether_who_waits_in_a_read_is_woken_for_nothing() {
    let test = "a_trial_finds_out_whether_who_waits_in_a_read_is_woken_for_nothing";
    let Some(mut lab) = accelerated(test) else { return };
    let (_server, address) = lab.serve("api", "late-echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    assert_eq!(lab.ask("web", &format!("part {VIRTUAL}")), "parting", "TCP waits");
    lab.local(VIRTUAL, address, Destination::FAST);
    let program = lab.ask("web", &format!("part {VIRTUAL}"));
    let trial = lab.attachment.as_mut().unwrap().try_acceleration();
    assert!(lab.count(Counter::Moved) > 0, "{trial:?}");
    match trial {
        Ok(()) => assert_eq!(program, "parting"),
        Err(Doubt::Woken { .. }) => assert_eq!(program, "WouldBlock, then parting"),
        Err(doubt) => panic!("nothing else is known to be wrong with any kernel: {doubt}"),
    }
}
