use super::kv::{delete_tree, get, lock, set, unlock};
use super::*;
use crate::model::{HealthCheck, Session, SessionBehavior, SessionId};
use std::time::Duration;

fn session(id: u128) -> Session {
    Session {
        id: SessionId::from_u128(id),
        name: "lock".to_owned(),
        node: "n1".parse().unwrap(),
        node_checks: vec!["serfHealth".parse().unwrap()],
        service_checks: Vec::new(),
        lock_delay: Duration::ZERO,
        behavior: SessionBehavior::Release,
        ttl: None,
        index: RaftIndex::default(),
    }
}

fn create(session: Session) -> Command {
    Command::CreateSession(Box::new(session))
}

fn end(id: u128) -> Command {
    Command::EndSession(SessionId::from_u128(id))
}

/// Sessions 1 and 2 on a node with a check.
fn two() -> Written {
    let checks = vec![check("n1", "up", None)];
    let with_check = Session { node_checks: vec!["up".parse().unwrap()], ..session(1) };
    Written::by([register(node("n1"), vec![], checks), create(with_check), create(session(2))])
}

fn holder(written: &Written, key: &str) -> Option<u128> {
    written.ask(&get(key)).unwrap().session.map(|id| id.as_u128())
}

#[test]
fn a_lock_has_one_holder_and_counts_how_often_it_was_taken() {
    let mut written = two();
    written.apply(lock("k", 1));
    assert!(matches!(written.refusal(lock("k", 2)), Refusal::LockHeld { .. }));
    assert!(matches!(written.refusal(unlock("k", 2)), Refusal::LockNotHeld { .. }));
    written.apply(lock("k", 1));
    assert_eq!(written.ask(&get("k")).unwrap().lock_index, 1, "held already");
    written.apply(set("k", "while locked"));
    assert_eq!(holder(&written, "k"), Some(1), "a plain write does not take the lock away");
    written.apply(unlock("k", 1));
    assert_eq!(holder(&written, "k"), None);
    written.apply(lock("k", 2));
    assert_eq!((holder(&written, "k"), written.ask(&get("k")).unwrap().lock_index), (Some(2), 2));
    assert!(matches!(written.refusal(lock("k", 9)), Refusal::NoSuchSession { .. }));
    assert!(matches!(written.refusal(unlock("absent", 1)), Refusal::LockNotHeld { .. }));
}

#[test]
fn a_session_needs_its_node_and_its_checks() {
    let mut written = two();
    let elsewhere = Session { node: "n9".parse().unwrap(), ..session(3) };
    let refused = written.refusal(create(elsewhere)).to_string();
    assert!(refused.contains("Missing node registration"), "{refused}");
    let unchecked = Session { node_checks: vec!["none".parse().unwrap()], ..session(3) };
    let refused = written.refusal(create(unchecked)).to_string();
    assert!(refused.contains("Missing check 'none' registration"), "{refused}");
    written.apply(register(node("n1"), vec![], vec![critical("up")]));
    let sick = Session { node_checks: vec!["up".parse().unwrap()], ..session(3) };
    let refused = written.refusal(create(sick)).to_string();
    assert!(refused.contains("Check 'up' is in critical state"), "{refused}");
}

fn critical(id: &str) -> HealthCheck {
    HealthCheck { status: CheckStatus::Critical, ..check("n1", id, None) }
}

#[test]
fn what_ends_a_session_releases_its_locks() {
    let table = [
        ("destroyed", end(1), true),
        ("its check is critical", register(node("n1"), vec![], vec![critical("up")]), true),
        ("its check is gone", deregister("n1", None, Some("up")), true),
        ("its node is gone", deregister("n1", None, None), true),
        ("another check is critical", register(node("n1"), vec![], vec![critical("disk")]), false),
        ("another session", end(2), false),
    ];
    for (what, command, ends) in table {
        let mut written = two();
        written.apply(lock("k", 1));
        let before = written.index_of(&get("k"));
        written.apply(command);
        assert_eq!(holder(&written, "k").is_none(), ends, "{what}");
        assert_eq!(written.index_of(&get("k")) > before, ends, "{what}: waiters see it");
        assert_eq!(written.ask(&GetSession(SessionId::from_u128(1))).is_none(), ends, "{what}");
    }
}

#[test]
fn a_session_that_deletes_takes_its_keys_with_it() {
    let deleting = Session { behavior: SessionBehavior::Delete, ..session(3) };
    let mut written = two();
    for command in [create(deleting), lock("mine", 3), lock("released", 3), unlock("released", 3), end(3)] {
        written.apply(command);
    }
    assert!(written.ask(&get("mine")).is_none());
    assert!(written.ask(&get("released")).is_some());
}

#[test]
fn a_lost_lock_is_nobodys_until_its_delay_is_over() {
    let delayed = Session { lock_delay: Duration::from_secs(15), ..session(3) };
    let mut written = two();
    written.apply(create(delayed));
    written.apply(lock("k", 3));
    let since = written.apply(end(3));
    assert!(matches!(written.refusal(lock("k", 1)), Refusal::LockDelayed { .. }));
    written = written.restored();
    assert!(matches!(written.refusal(lock("k", 1)), Refusal::LockDelayed { .. }));
    let delays = written.ask(&LockDelays);
    assert_eq!(delays, [("k".into(), LockDelay { since, lasts: Duration::from_secs(15) })]);
    written.apply(Command::EndLockDelays(vec![("k".into(), since - 1)]));
    assert_eq!(written.ask(&LockDelays).len(), 1, "an older delay's end does not end this one");
    written.apply(Command::EndLockDelays(vec![("k".into(), since)]));
    written.apply(lock("k", 1));
}

#[test]
fn an_unlocked_key_has_no_delay() {
    let mut written = two();
    written.apply(create(Session { lock_delay: Duration::from_secs(15), ..session(3) }));
    for command in [lock("k", 3), unlock("k", 3), end(3), lock("k", 1)] {
        written.apply(command);
    }
    assert!(written.ask(&LockDelays).is_empty());
}

#[test]
fn sessions_are_listed_by_node_and_survive_a_snapshot() {
    let mut written = two();
    written.apply(lock("k", 1));
    written = written.restored();
    let count = |name: &str| written.ask(&ListSessions(Some(name.parse().unwrap()))).len();
    assert_eq!((count("N1"), count("n2"), written.ask(&ListSessions(None)).len()), (2, 0, 2));
    written.apply(end(1));
    assert_eq!(holder(&written, "k"), None, "the restored state knows what the session holds");
    written.apply(delete_tree(""));
}
