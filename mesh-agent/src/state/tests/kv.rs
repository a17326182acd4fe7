use super::*;
use crate::model::{KvValue, SessionId};

fn bytes(text: &str) -> KvValue {
    KvValue(text.to_owned().into())
}

fn kv(key: &str, verb: KvVerb) -> Command {
    Command::Kv(Box::new(KvWrite { key: key.into(), verb }))
}

pub(super) fn set(key: &str, value: &str) -> Command {
    kv(key, KvVerb::Set { value: bytes(value), flags: 0 })
}

fn cas(key: &str, value: &str, index: u64) -> Command {
    kv(key, KvVerb::Cas { value: bytes(value), flags: 0, index })
}

pub(super) fn lock(key: &str, session: u128) -> Command {
    kv(key, KvVerb::Lock { value: bytes("locked"), flags: 0, session: SessionId::from_u128(session) })
}

pub(super) fn unlock(key: &str, session: u128) -> Command {
    kv(key, KvVerb::Unlock { value: bytes("unlocked"), flags: 0, session: SessionId::from_u128(session) })
}

pub(super) fn delete_tree(prefix: &str) -> Command {
    kv(prefix, KvVerb::DeleteTree)
}

pub(super) fn get(key: &str) -> GetKey {
    GetKey(key.into())
}

fn keys(prefix: &str) -> ListKeys {
    ListKeys(prefix.into())
}

#[test]
fn a_value_keeps_its_birth_and_moves_its_change() {
    let mut written = Written::by([set("a", "1"), set("b", "1")]);
    let index = written.apply(set("a", "2"));
    let entry = written.ask(&get("a")).unwrap();
    assert_eq!((entry.value.clone(), entry.index), (bytes("2"), RaftIndex { create: 1, modify: index }));
    written.apply(set("a", "2"));
    assert_eq!(written.index_of(&get("a")), index, "what is as it was keeps its index");
}

#[test]
fn a_conditional_write_happens_only_where_its_condition_holds() {
    let table: [(&str, Command, bool); 7] = [
        ("0 and absent", cas("new", "x", 0), true),
        ("0 and present", cas("a", "x", 0), false),
        ("right index", cas("a", "x", 1), true),
        ("wrong index", cas("a", "x", 7), false),
        ("an index and absent", cas("new", "x", 1), false),
        ("delete at the wrong index", kv("a", KvVerb::DeleteCas { index: 7 }), false),
        ("delete what is not there", kv("new", KvVerb::DeleteCas { index: 7 }), true),
    ];
    for (what, command, happens) in table {
        let mut written = Written::by([set("a", "1")]);
        let before = written.state().snapshot().unwrap();
        match written.try_apply(command) {
            Ok(_) => assert!(happens, "{what}"),
            Err(refusal) => {
                assert!(!happens && refusal.is_unmet_condition(), "{what}: {refusal}");
                let mut after = State::clone(&written.state());
                after.applied = 1;
                assert_eq!(after.snapshot().unwrap(), before, "{what}");
            }
        }
    }
    let mut written = Written::by([set("a", "1"), kv("a", KvVerb::DeleteCas { index: 1 })]);
    assert!(written.ask(&get("a")).is_none());
    assert_eq!(written.apply(cas("a", "again", 0)), 3);
}

#[test]
fn names_stop_at_the_separator_once_each() {
    let written = Written::by(["a/1", "a/2/x", "a/2/y", "a/3", "ab", "é/ü"].map(|key| set(key, "v")));
    let names = |prefix: &str, separator: Option<&str>| {
        let query = KeyNames { prefix: prefix.into(), separator: separator.map(str::to_owned) };
        written.ask(&query).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names("", None), ["a/1", "a/2/x", "a/2/y", "a/3", "ab", "é/ü"]);
    assert_eq!(names("", Some("/")), ["a/", "ab", "é/"]);
    assert_eq!(names("a/", Some("/")), ["a/1", "a/2/", "a/3"]);
    assert_eq!(names("a/2", Some("/")), ["a/2/"]);
    assert!(names("zz", Some("/")).is_empty());
}

#[test]
fn a_tree_goes_with_all_that_is_below_its_prefix() {
    let mut written = Written::by(["a/1", "a/2", "ab", "b"].map(|key| set(key, "v")));
    written.apply(delete_tree("a/"));
    let left: Vec<_> = written.ask(&keys("")).iter().map(|entry| entry.key.to_string()).collect();
    assert_eq!(left, ["ab", "b"]);
    written.apply(delete_tree(""));
    assert!(written.ask(&keys("")).is_empty());
}

/// Whether a command wakes who waits below a prefix: its index rises, and its bell rings.
async fn wakes<Q: Query>(written: &mut Written, query: &Q, command: Command) -> bool {
    let seen = written.index_of(query);
    let watch = written.store.watch(&query.topics());
    written.apply(command);
    let rises = written.index_of(query) > seen;
    let rings = tokio::time::timeout(std::time::Duration::ZERO, watch.changed(seen)).await.is_ok();
    assert_eq!(rises, rings, "index and bell disagree");
    rises
}

#[tokio::test]
async fn writes_wake_their_key_and_the_prefixes_above_it_and_nobody_else() {
    let before = || Written::by(["a/1", "a/2", "b/1"].map(|key| set(key, "v")));
    let table = [
        ("set", set("a/1", "w"), true),
        ("create", set("a/3", "v"), true),
        ("delete", kv("a/2", KvVerb::Delete), true),
        ("tree", delete_tree("a"), true),
        ("elsewhere", set("b/1", "w"), false),
        ("delete elsewhere", delete_tree("b"), false),
        ("delete nothing", kv("a/9", KvVerb::Delete), false),
        ("nothing new", set("a/1", "v"), false),
    ];
    for (what, command, wanted) in table {
        assert_eq!(wakes(&mut before(), &keys("a/"), command.clone()).await, wanted, "{what}");
        assert_eq!(wakes(&mut before(), &keys("a"), command.clone()).await, wanted, "{what}");
        assert!(!wakes(&mut before(), &get("a/"), command).await, "{what}: no such key");
    }
    assert!(wakes(&mut before(), &get("a/1"), delete_tree("")).await);
    assert!(wakes(&mut before(), &get("new"), set("new", "v")).await);
    assert!(!wakes(&mut before(), &get("a/1"), set("a/10", "v")).await);
}
