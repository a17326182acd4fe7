//! Messages between two sockets of this host that go past TCP.

use crate::lab::{Lab, VIRTUAL};
use mesh_agent::dataplane::kernel::Doubt;
use mesh_common::{Action, Counter, Destination, Flow};
use mesh_tests::skip;
use std::iter;

const PROGRAMS: &[u8] = include_bytes!("../../../mesh-ebpf/prebuilt/mesh.bpfel.o");

fn accelerated(test: &str) -> Option<Lab> {
    let mut lab = Lab::build(test)?;
    lab.speak(Action::Allow, 0, 0);
    Some(lab)
}

/// As [`accelerated`], where the kernel shows what was read.
fn renewing(test: &str) -> Option<Lab> {
    let mut lab = accelerated(test)?;
    if let Some(why) = lab.attachment.as_mut().unwrap().reads_unseen() {
        skip(test, &why.to_string());
        return None;
    }
    Some(lab)
}

#[test]
fn turns_stay_past_tcp_for_as_long_as_they_go_on() {
    let Some(mut lab) = renewing("turns_stay_past_tcp_for_as_long_as_they_go_on") else { return };
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    for (size, pieces) in [(Flow::SMALL, 1), (Flow::SMALL, 2), (6_000, 3)] {
        let (moved, turns) = (lab.count(Counter::Moved), 5 * Flow::CREDIT / size);
        let good = lab.ask("web", &format!("turns {VIRTUAL} {turns} {size} {pieces}"));
        assert_eq!(good, turns.to_string(), "{size} bytes in {pieces} pieces");
        let moved = lab.count(Counter::Moved) - moved;
        assert!(moved >= turns * (pieces + 1), "{moved} messages of {size} bytes in {pieces} pieces");
        assert_eq!(lab.count(Counter::FallenBack), 0, "{size} bytes in {pieces} pieces");
    }
}

/// A locked kernel, or one without BTF, is imitated: programs that do not ask for a kernel's offsets are told none.
#[test]
fn where_the_kernel_does_not_show_what_was_read_a_credit_is_for_life() {
    let test = "where_the_kernel_does_not_show_what_was_read_a_credit_is_for_life";
    let Some(mut lab) = accelerated(test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("unaware.o");
    std::fs::write(&object, renamed(PROGRAMS, b"USER_DATA\0", b"UNKNOWN_A\0")).unwrap();
    lab.replace(&object);
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} 1000 64 1")), "1000");
    assert_eq!((lab.count(Counter::Moved), lab.count(Counter::FallenBack)), (2_000, 0));
    let turns = Flow::CREDIT / Flow::SMALL + 10;
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} {turns} {} 1", Flow::SMALL)), turns.to_string());
    assert_eq!(lab.count(Counter::FallenBack), 2, "once for each direction");
}

/// The same with each such name in the place of another.
fn renamed(object: &[u8], name: &[u8], other: &[u8]) -> Vec<u8> {
    let (mut object, mut found) = (object.to_vec(), 0);
    for at in 0..object.len() - name.len() {
        if object[at..].starts_with(name) {
            object[at..at + name.len()].copy_from_slice(other);
            found += 1;
        }
    }
    assert!(found > 0, "the programs have another name for it");
    object
}

#[test]
fn bulk_goes_past_tcp_within_the_first_credit_only() {
    let Some(mut lab) = accelerated("bulk_goes_past_tcp_within_the_first_credit_only") else { return };
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, Destination::FAST);
    let turns = Flow::CREDIT / 65_536 + 10;
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} {turns} 65536 1")), turns.to_string());
    assert!(lab.count(Counter::Moved) >= Flow::CREDIT / 65_536);
    assert!(
        lab.count(Counter::FallenBack) >= 1,
        "TCP carries bulk faster; the answers come in smaller pieces"
    );
}

#[test]
fn who_stalls_and_then_reads_everything_is_sent_more_past_tcp() {
    let test = "who_stalls_and_then_reads_everything_is_sent_more_past_tcp";
    let Some(mut lab) = renewing(test) else { return };
    let burst = Flow::CREDIT / 2;
    let (mut reader, address) = lab.serve("api", &format!("hoard 127.0.0.1:0 {burst}"));
    lab.local(VIRTUAL, address, Destination::FAST);
    let mut writer = lab.start("web", &format!("bursts {VIRTUAL} {burst} {}", Flow::SMALL));
    for round in 1..=10 {
        assert_eq!(writer.hear(), "written");
        reader.tell();
        assert_eq!(reader.hear(), "read");
        let counted = (lab.count(Counter::Moved), lab.count(Counter::FallenBack));
        assert_eq!(counted, (round * burst / Flow::SMALL, 0), "round {round}");
        writer.tell();
    }
}

#[test]
fn who_reads_nothing_or_only_peeks_is_not_fed_more_than_the_credit() {
    let Some(mut lab) = accelerated("who_reads_nothing_or_only_peeks_is_not_fed_more_than_the_credit") else {
        return;
    };
    for reader in ["mute", "peek"] {
        for size in [Flow::SMALL, 65_536] {
            let (_server, address) = lab.serve("api", &format!("{reader} 127.0.0.1:0"));
            lab.local(VIRTUAL, address, Destination::FAST);
            let moved = lab.count(Counter::Moved);
            let taken: u64 = lab.ask("web", &format!("stuff {VIRTUAL} {size}")).parse().unwrap();
            let moved = lab.count(Counter::Moved) - moved;
            assert!(moved > 0 && moved * size <= Flow::CREDIT, "{reader}: {moved} messages of {size} bytes");
            let by_tcp = 32 << 20; // What its own buffers take at the most, on hosts that let them grow.
            assert!(taken <= Flow::CREDIT + by_tcp, "{reader}: the kernel took {taken} bytes");
        }
    }
}

#[test]
fn nothing_goes_past_tcp_unless_asked_for() {
    let Some(mut lab) = Lab::build("nothing_goes_past_tcp_unless_asked_for") else { return };
    let (_server, address) = lab.serve("api", "echo 127.0.0.1:0");
    lab.local(VIRTUAL, address, 0);
    lab.speak(Action::Allow, 0, 0);
    assert_eq!(lab.ask("web", &format!("turns {VIRTUAL} 10 64 1")), "10");
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
        Err(Doubt::Woken { .. }) => {
            // A program that is slow to begin its read misses what would wake it.
            let mut programs =
                iter::once(program).chain(iter::repeat_with(|| lab.ask("web", &format!("part {VIRTUAL}"))));
            assert!(programs.by_ref().take(10).any(|program| program == "WouldBlock, then parting"));
        }
        Err(doubt) => panic!("nothing else is known to be wrong with any kernel: {doubt}"),
    }
}
