//! A view that follows a state is that state, but for what is the servers' own.

use super::random::random_commands;
use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a follower shows after it was shown all of this state at once.
fn shown(state: &State) -> Store {
    let store = Store::default();
    store.follow(travelled(&ViewChange::between(&State::default(), state)), true).unwrap();
    store
}

/// As it comes out at the other end of a wire.
fn travelled(change: &ViewChange) -> ViewChange {
    rmp_serde::from_slice(&rmp_serde::to_vec(change).unwrap()).unwrap()
}

fn bytes(state: &State) -> Vec<u8> {
    state.snapshot().unwrap()
}

/// It changes what views show, and nothing else.
fn is_viewed(command: &Command) -> bool {
    use Command::{CreateSession, EndLockDelays, EndSession, Kv, Txn};
    !matches!(command, Kv(_) | Txn(_) | CreateSession(_) | EndSession(_) | EndLockDelays(_))
}

#[test]
fn whatever_happens_a_follower_ends_with_the_same_tables() {
    for seed in 0..10 {
        let (mut written, view) = (Written::default(), Store::default());
        let (mut random, mut seen) = (StdRng::seed_from_u64(seed), Arc::new(State::default()));
        for command in random_commands(seed).into_iter().filter(is_viewed) {
            let _ = written.try_apply(command);
            // A slow follower sees several writes as one change.
            if random.random_bool(0.3) {
                let now = written.state();
                view.follow(travelled(&ViewChange::between(&seen, &now)), false).unwrap();
                seen = now;
                assert_eq!(bytes(&view.state()), bytes(&seen), "seed {seed} index {}", seen.applied());
                assert_eq!(view.state().derived, seen.derived, "seed {seed} index {}", seen.applied());
            }
        }
    }
}

#[test]
fn the_key_of_the_ca_is_not_shown() {
    let written = Written::by([ca::set(0, &[root("a", true)], Some("the key"))]);
    let change = ViewChange::between(&State::default(), &written.state());
    let encoded = rmp_serde::to_vec_named(&change).unwrap();
    assert!(!encoded.windows(7).any(|window| window == b"the key"), "the key is in the view");
    let view = shown(&written.state());
    assert!(view.state().ca_provider().is_none());
    assert_eq!(GetCa.run(&view.state()).roots, GetCa.run(&written.state()).roots);
}

#[tokio::test(start_paused = true)]
async fn only_what_differs_wakes_when_another_server_shows_all_of_its_state() {
    let mut written = Written::by([register_service("n1", "web", "web"), register_service("n1", "db", "db")]);
    let view = shown(&written.state());
    let web = view.watch(&[Topic::Service("web".into())]);
    let db = view.watch(&[Topic::Service("db".into())]);
    let seen = view.state().applied();
    written.apply(register_service("n2", "web", "web"));
    view.follow(ViewChange::between(&State::default(), &written.state()), true).unwrap();
    web.changed(seen).await;
    let quiet = tokio::time::timeout(std::time::Duration::from_secs(1), db.changed(seen)).await;
    assert!(quiet.is_err(), "nothing of db has changed");
}

#[test]
fn a_server_that_is_behind_is_not_followed() {
    let mut written = Written::by([register_service("n1", "web", "web")]);
    let old = ViewChange::between(&State::default(), &written.state());
    written.apply(register_service("n1", "db", "db"));
    let view = shown(&written.state());
    assert_eq!(view.follow(old, true), Err(Behind { shown: 1, seen: 2 }));
    assert_eq!(direct("db").run(&view.state()).len(), 1);
}

#[test]
fn a_write_that_no_view_shows_is_an_empty_change() {
    let written = Written::by([register_service("n1", "web", "web")]);
    let before = written.state();
    let mut after = State::clone(&before);
    after.applied += 5;
    assert!(ViewChange::between(&before, &after).is_empty());
    assert_eq!(before.viewed_index(), after.viewed_index());
}
