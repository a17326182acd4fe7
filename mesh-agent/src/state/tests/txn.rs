use super::kv::{get, set};
use super::*;
use crate::model::KvValue;

fn write(key: &str, verb: KvVerb) -> TxnOperation {
    TxnOperation::KvWrite(KvWrite { key: key.into(), verb })
}

fn put(key: &str, value: &str) -> TxnOperation {
    write(key, KvVerb::Set { value: KvValue(value.to_owned().into()), flags: 0 })
}

fn read(key: &str, verb: KvReadVerb) -> TxnOperation {
    TxnOperation::KvRead(KvRead { key: key.into(), verb })
}

fn keys_of(outcome: &Outcome) -> Vec<(String, usize)> {
    let Outcome::Transaction { results, .. } = outcome else { panic!("{outcome:?}") };
    let shown = results.iter().map(|result| match result {
        TxnResult::Kv(entry) => (entry.key.to_string(), entry.value.0.len()),
        other => panic!("{other:?}"),
    });
    shown.collect()
}

#[test]
fn a_transaction_sees_its_own_writes_and_shows_values_that_were_asked_for() {
    let store = Store::default();
    let outcome = store.apply(
        5,
        vec![Command::Txn(vec![
            put("a", "12"),
            read("a", KvReadVerb::Get),
            put("a/b", "3"),
            read("a", KvReadVerb::GetTree),
            write("a", KvVerb::Delete),
            read("a", KvReadVerb::CheckNotExists),
        ])],
    );
    let want = [("a", 0), ("a", 2), ("a/b", 0), ("a", 2), ("a/b", 1)];
    assert_eq!(keys_of(&outcome[0]), want.map(|(key, length)| (key.to_owned(), length)));
}

#[test]
fn one_bad_operation_undoes_all_and_each_says_why() {
    let mut written = Written::by([set("a", "1")]);
    let before = written.state().snapshot().unwrap();
    let refusal = written.refusal(Command::Txn(vec![
        put("new", "1"),
        write("a", KvVerb::Cas { value: KvValue::default(), flags: 0, index: 99 }),
        read("none", KvReadVerb::Get),
        read("a", KvReadVerb::CheckNotExists),
        read("a", KvReadVerb::CheckIndex { index: 1 }),
        TxnOperation::Node(RowVerb::Set, Box::new(node("n1"))),
    ]));
    let Refusal::RolledBack { errors } = refusal else { panic!("{refusal}") };
    let shown: Vec<_> = errors.iter().map(|e| (e.operation, e.what.to_string())).collect();
    let want = [
        (1, "failed to set key \"a\", index is stale"),
        (2, "key \"none\" doesn't exist"),
        (3, "key \"a\" exists"),
    ];
    assert_eq!(shown, want.map(|(operation, what)| (operation, what.to_owned())));
    let mut after = State::clone(&written.state());
    after.applied = 1;
    assert_eq!(after.snapshot().unwrap(), before);
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_wakes_nobody() {
    let mut written = Written::by([set("a", "1")]);
    let watch = written.store.watch(&get("new").topics());
    written.refusal(Command::Txn(vec![put("new", "1"), read("none", KvReadVerb::Get)]));
    let woken = tokio::time::timeout(std::time::Duration::ZERO, watch.changed(0)).await;
    assert!(woken.is_err());
    written.apply(Command::Txn(vec![put("new", "1")]));
    assert_eq!(watch.changed(0).await, written.index);
}

#[test]
fn rows_of_the_catalog_can_be_in_a_transaction() {
    let mut written = Written::by([register_service("n1", "web", "web")]);
    let stale = crate::model::Node { index: RaftIndex { create: 0, modify: 9 }, ..node("n1") };
    let name: crate::model::NodeName = "n1".parse().unwrap();
    written.apply(Command::Txn(vec![
        TxnOperation::Node(RowVerb::Set, Box::new(node("n2"))),
        TxnOperation::Service(RowVerb::Set, "n2".parse().unwrap(), Box::new(service("db", "db"))),
        TxnOperation::Check(RowVerb::Set, Box::new(check("n2", "up", None))),
        TxnOperation::Service(RowVerb::Delete, name.clone(), Box::new(service("web", "web"))),
    ]));
    assert_eq!(written.ask(&direct("db")).len(), 1);
    assert!(written.ask(&direct("web")).is_empty());
    for operation in [
        TxnOperation::Node(RowVerb::Cas, Box::new(stale)),
        TxnOperation::Service(RowVerb::Get, name.clone(), Box::new(service("web", "web"))),
        TxnOperation::Service(RowVerb::Set, "n9".parse().unwrap(), Box::new(service("web", "web"))),
        TxnOperation::Check(RowVerb::DeleteCas, Box::new(check("n2", "up", None))),
    ] {
        assert!(matches!(written.refusal(Command::Txn(vec![operation])), Refusal::RolledBack { .. }));
    }
}

#[test]
fn a_transaction_that_only_reads_changes_nothing() {
    let written = Written::by([set("a", "1")]);
    let found = written.ask(&ReadTxn(vec![read("a", KvReadVerb::Get)])).unwrap();
    assert_eq!(found.len(), 1);
    assert!(written.ask(&ReadTxn(vec![read("b", KvReadVerb::Get)])).is_err());
}
