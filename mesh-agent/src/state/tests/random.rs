//! Whatever happens, in whatever order: what must hold holds.

use super::*;
use crate::model::{IntentionAction, Node};
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

fn random_command(random: &mut StdRng) -> Command {
    let (source, destination) = (pick(random, &["web", "Web", "*"]), pick(random, &["db", "api", "*"]));
    let id = random.random_range(1..6);
    let put = Box::new(intention(id, source, destination, IntentionAction::Deny));
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
            assert_no_orphans(&state);
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
