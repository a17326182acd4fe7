//! Whatever happens, in whatever order: what must hold holds.

use super::*;
use crate::model::{IntentionAction, KvValue, Node, Session, SessionBehavior};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn pick<'a>(random: &mut StdRng, choices: &[&'a str]) -> &'a str {
    choices[random.random_range(0..choices.len())]
}

const NODES: [&str; 4] = ["n1", "N1", "n2", "n3"];
const SERVICES: [&str; 4] = ["web", "Web", "db", "api"];

fn random_node(random: &mut StdRng) -> Node {
    let id = random.random_bool(0.5).then(|| uuid::Uuid::from_u128(random.random_range(1..4)));
    Node { id, address: pick(random, &["10.0.0.1", "10.0.0.2"]).to_owned(), ..node(pick(random, &NODES)) }
}

fn random_service(random: &mut StdRng) -> NodeService {
    match random.random_range(0..3) {
        0 => sidecar(pick(random, &SERVICES)),
        kind => {
            let (id, name) = (pick(random, &["a", "b", "c"]), pick(random, &SERVICES));
            NodeService { connect_native: kind == 1, port: random.random_range(80..83), ..service(id, name) }
        }
    }
}

fn random_register(random: &mut StdRng) -> Command {
    let node = random_node(random);
    let services: Vec<_> = (0..random.random_range(0..3)).map(|_| random_service(random)).collect();
    let owner = [None, Some("a"), Some("b")][random.random_range(0..3)];
    let checks = vec![check(node.name.as_str(), pick(random, &["x", "y", "serfHealth"]), owner)];
    register(node, services, checks)
}

/// Few keys and sessions, so that they meet.
fn random_kv(random: &mut StdRng) -> Command {
    let key: crate::model::Key = pick(random, &["a", "a/b", "a/b/c", "b"]).into();
    let session = uuid::Uuid::from_u128(random.random_range(1..4));
    let (value, flags) = (KvValue(pick(random, &["x", "y"]).to_owned().into()), 0);
    let index = random.random_range(0..40);
    let verb = match random.random_range(0..11) {
        0 | 1 => KvVerb::Set { value, flags },
        2 => KvVerb::Cas { value, flags, index },
        3 | 4 => KvVerb::Lock { value, flags, session },
        5 => KvVerb::Unlock { value, flags, session },
        6 => KvVerb::Delete,
        7 => KvVerb::DeleteTree,
        8 => return Command::EndSession(session),
        9 => return Command::EndLockDelays((1..400).map(|since| (key.clone(), since)).collect()),
        _ => return Command::CreateSession(Box::new(random_session(random, session))),
    };
    let write = KvWrite { key, verb };
    match random.random_range(0..4) {
        0 => Command::Txn(vec![TxnOperation::KvWrite(write.clone()), TxnOperation::KvWrite(write)]),
        _ => Command::Kv(Box::new(write)),
    }
}

fn random_session(random: &mut StdRng, id: uuid::Uuid) -> Session {
    Session {
        id,
        name: String::new(),
        node: pick(random, &NODES).parse().unwrap(),
        node_checks: vec![pick(random, &["x", "serfHealth"]).parse().unwrap()],
        service_checks: Vec::new(),
        lock_delay: std::time::Duration::from_secs(random.random_range(0..2)),
        behavior: if random.random_bool(0.5) { SessionBehavior::Release } else { SessionBehavior::Delete },
        ttl: None,
        index: RaftIndex::default(),
    }
}

fn random_command(random: &mut StdRng) -> Command {
    let (source, destination) = (pick(random, &["web", "Web", "*"]), pick(random, &["db", "api", "*"]));
    let id = random.random_range(1..6);
    let put = Box::new(intention(id, source, destination, IntentionAction::Deny));
    if random.random_bool(0.3) {
        return random_kv(random);
    }
    match random.random_range(0..12) {
        0 => Command::PutIntention(put),
        1 => Command::PutIntentionByName(put),
        2 => Command::DeleteIntention(uuid::Uuid::from_u128(id)),
        3 => deregister(pick(random, &NODES), None, None),
        4 => deregister(pick(random, &NODES), Some(pick(random, &["a", "b", "web-proxy"])), None),
        5 => deregister(pick(random, &NODES), None, Some(pick(random, &["x", "y"]))),
        _ => random_register(random),
    }
}

pub(super) fn random_commands(seed: u64) -> Vec<Command> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..400).map(|_| random_command(&mut random)).collect()
}

/// Every row belongs to a node, and every check of a service to a service.
fn assert_no_orphans(state: &State) {
    for (node, service) in state.services.keys() {
        assert!(state.nodes.contains_key(node), "service {service} on missing node {node}");
    }
    for ((node, id), check) in &state.checks {
        assert!(state.nodes.contains_key(node), "check {id} on missing node {node}");
        let owner = check.service_id.clone().map(|service| (node.clone(), service));
        assert!(owner.is_none_or(|owner| state.services.contains_key(&owner)), "check {id} of no service");
    }
}

#[test]
fn what_is_derived_always_follows_from_the_tables() {
    for seed in 0..10 {
        let mut written = Written::default();
        for (step, command) in random_commands(seed).into_iter().enumerate() {
            let _ = written.try_apply(command);
            let state = written.state();
            assert_eq!(state.derived, Derived::of(&state), "seed {seed}, step {step}");
            assert_eq!(state.kv, state.kv.clone().restored(), "seed {seed}, step {step}");
            assert_eq!(state.sessions, state.sessions.clone().restored(), "seed {seed}, step {step}");
            assert_no_orphans(&state);
        }
    }
}

/// Every lock is held by a session that exists.
fn assert_locks_are_held(state: &State) {
    for entry in ListKeys("".into()).run(state) {
        let holder = entry.session.map(|id| GetSession(id).run(state).is_some());
        assert!(holder.unwrap_or(true), "{entry:?} is held by nobody");
    }
}

/// The answers of key and prefix queries, for comparison.
fn answers(state: &State) -> Vec<(Vec<Topic>, u64, String)> {
    let prefixes = ["", "a", "a/", "a/b", "a/b/c", "b", "c"];
    let mut answers = Vec::new();
    for prefix in prefixes {
        let (one, tree) = (GetKey(prefix.into()), ListKeys(prefix.into()));
        answers.push((one.topics(), state.index_of(&one.topics()), format!("{:?}", one.run(state))));
        answers.push((tree.topics(), state.index_of(&tree.topics()), format!("{:?}", tree.run(state))));
    }
    answers
}

#[test]
fn no_index_goes_back_and_no_answer_changes_without_its_index() {
    for seed in 0..10 {
        // Where nothing was written the index is 1: the first write comes later.
        let mut written = Written { index: 1, ..Written::default() };
        for (step, command) in random_commands(seed).into_iter().enumerate() {
            let before = answers(&written.state());
            let _ = written.try_apply(command);
            if step % 40 == 0 {
                written = written.restored();
            }
            assert_locks_are_held(&written.state());
            for (before, after) in before.iter().zip(answers(&written.state())) {
                assert!(after.1 >= before.1, "seed {seed} step {step}: {before:?} then {after:?}");
                assert!(after.2 == before.2 || after.1 > before.1, "seed {seed} step {step}: {after:?}");
            }
        }
    }
}

#[test]
fn a_refused_command_changes_nothing() {
    for seed in 0..10 {
        let mut written = Written::default();
        for command in random_commands(seed) {
            let before = written.state();
            if written.try_apply(command).is_err() {
                let mut after = State::clone(&written.state());
                after.applied = before.applied();
                assert_eq!(after.snapshot().unwrap(), before.snapshot().unwrap());
            }
        }
    }
}

#[test]
fn the_same_commands_give_the_same_bytes_however_they_are_batched_or_interrupted() {
    for seed in 0..10 {
        let (one_by_one, mut interrupted) = (Store::default(), Written::default());
        for (index, command) in (1..).zip(random_commands(seed)) {
            one_by_one.apply(index, vec![command.clone()]);
            interrupted.index = index - 1;
            let _ = interrupted.try_apply(command);
            if index % 50 == 0 {
                interrupted = interrupted.restored();
            }
        }
        let bytes = |store: &Store| store.state().snapshot().unwrap();
        assert_eq!(bytes(&one_by_one), bytes(&interrupted.store), "seed {seed}");
    }
}

#[test]
fn a_batch_is_one_write_for_those_who_read() {
    let store = Store::default();
    let outcomes = store.apply(7, random_commands(3));
    let state = store.state();
    assert_eq!(outcomes.len(), 400);
    let rows = state.services.values().map(|service| service.index);
    assert!(rows.into_iter().all(|index| index == RaftIndex { create: 7, modify: 7 }));
}

#[test]
fn bytes_that_are_no_snapshot_change_nothing() {
    let written = Written::by([register_service("n1", "web", "web")]);
    let bytes = written.state().snapshot().unwrap();
    assert!(written.store.restore(&bytes[..bytes.len() - 1]).is_err());
    assert!(written.store.restore(b"noise").is_err());
    assert_eq!(written.ask(&direct("web")).len(), 1);
}
