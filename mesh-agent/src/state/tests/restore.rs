//! A restored snapshot is the state that it was made of, under indexes that never go back.

use super::*;
use crate::snapshot::{Archive, Meta};

fn archive(of: &Written) -> Vec<u8> {
    let state = of.state().snapshot().unwrap();
    Archive { meta: Meta::new(of.index, 0, state.len() as u64), state }.pack().unwrap()
}

fn restore(of: &Written) -> Command {
    Command::Restore(archive(of))
}

#[test]
fn a_restored_state_has_the_rows_of_the_snapshot_and_nothing_else() {
    let old = Written::by([register_service("n1", "web", "web")]);
    let mut written = Written::by([register_service("n9", "db", "db"), register_service("n9", "x", "x")]);
    let before = written.index_of(&direct("db"));
    written.apply(restore(&old));
    assert_eq!(written.ask(&direct("web")).len(), 1);
    assert_eq!(written.ask(&direct("db")).len(), 0);
    assert_eq!(written.state().derived, Derived::of(&written.state()));
    assert!(written.index_of(&direct("db")) > before, "who waits for db is told that it is gone");
}

#[test]
fn indexes_do_not_go_back_in_a_cluster_that_has_written_less() {
    let mut busy = Written::by((0..50).map(|at| register_service("n1", &format!("s{at}"), "web")));
    let mut young = Written::default();
    let index = young.apply(restore(&busy));
    assert!(index > busy.index, "{index}");
    assert!(young.index_of(&direct("web")) > busy.index_of(&direct("web")));
    let next = young.apply(register_service("n2", "web", "web"));
    assert!(next > index);
    assert_eq!(young.index_of(&direct("web")), next);
    // The same again after a restart from a snapshot of its own.
    let mut restarted = young.restored();
    assert_eq!(restarted.apply(register_service("n3", "web", "web")), next + 1);
    busy.apply(restore(&young));
    assert_eq!(busy.ask(&direct("web")).len(), young.ask(&direct("web")).len());
}

#[test]
fn who_waits_is_woken_and_every_index_is_the_restorings() {
    let old = Written::by([register_service("n1", "web", "web")]);
    let mut written = Written::by([register_service("n9", "db", "db")]);
    let index = written.apply(restore(&old));
    for query in [direct("web"), direct("db"), direct("never")] {
        assert_eq!(written.index_of(&query), index);
    }
}

#[tokio::test]
async fn stored_values_are_restored_and_no_index_of_theirs_goes_back() {
    let old = Written::by([kv::set("a", "old"), kv::set("both", "old")]);
    let mut written = Written::by((0..9).map(|n| kv::set("both", &n.to_string())));
    let watch = written.store.watch(&kv::get("both").topics());
    let before = written.index_of(&kv::get("both"));
    let index = written.apply(restore(&old));
    for key in ["a", "both", "never"] {
        assert_eq!(written.index_of(&kv::get(key)), index, "{key}");
    }
    assert_eq!(watch.changed(before).await, index);
    assert_eq!(written.ask(&kv::get("both")).unwrap().value, old.ask(&kv::get("both")).unwrap().value);
}

#[test]
fn what_is_no_snapshot_changes_nothing() {
    let mut written = Written::by([register_service("n1", "web", "web")]);
    let strange = Archive { meta: Meta::new(1, 0, 5), state: b"noise".to_vec() }.pack().unwrap();
    for bytes in [b"noise".to_vec(), strange] {
        let refusal = written.refusal(Command::Restore(bytes)).to_string();
        assert!(refusal.starts_with("the snapshot was not restored, and nothing has changed"), "{refusal}");
    }
    assert_eq!(written.ask(&direct("web")).len(), 1);
}
