use super::*;
use crate::model::{Intention, IntentionAction};
use IntentionAction::{Allow, Deny};

fn put(intention: Intention) -> Command {
    Command::PutIntention(Box::new(intention))
}

fn put_by_name(intention: Intention) -> Command {
    Command::PutIntentionByName(Box::new(intention))
}

fn delete_by_name(source: &str, destination: &str) -> Command {
    Command::DeleteIntentionByName { source: target(source), destination: target(destination) }
}

fn pair(source: &str, destination: &str) -> GetIntention {
    GetIntention(IntentionRead::Pair(target(source), target(destination)))
}

fn by_id(id: u128) -> GetIntention {
    GetIntention(IntentionRead::Id(uuid::Uuid::from_u128(id)))
}

#[test]
fn a_second_intention_for_a_pair_is_refused_in_any_case_of_letters() {
    let mut written = Written::by([put(intention(1, "web", "db", Allow))]);
    for (source, destination) in [("web", "db"), ("Web", "DB")] {
        let refusal = written.refusal(put(intention(2, source, destination, Deny)));
        assert!(matches!(refusal, Refusal::DuplicateIntention { id, .. } if id == uuid::Uuid::from_u128(1)));
    }
    written.apply(put(intention(2, "db", "web", Deny)));
    written.apply(put(intention(3, "*", "db", Deny)));
    assert_eq!(written.ask(&ListIntentions).len(), 3);
}

#[test]
fn an_intention_is_replaced_by_its_id_and_may_change_its_pair() {
    let mut written = Written::by([put(intention(1, "web", "db", Allow))]);
    let later = Intention { created_at: 9_000, updated_at: 9_000, ..intention(1, "api", "db", Deny) };
    written.apply(put(later));
    assert!(written.ask(&pair("web", "db")).is_none());
    let found = written.ask(&pair("api", "db")).unwrap();
    assert_eq!((found.created_at, found.updated_at, found.action), (1_000, 9_000, Deny));
    assert_eq!(found.index, RaftIndex { create: 1, modify: 2 });
    // The pair that it left is free.
    written.apply(put(intention(2, "web", "db", Allow)));
}

#[test]
fn intentions_of_another_datacenter_come_with_their_ids_in_place_of_those_between_the_same_services() {
    let mut written = Written::by([
        put(intention(1, "web", "db", Allow)),
        put(intention(2, "api", "db", Allow)),
        put(intention(3, "x", "y", Deny)),
    ]);
    let one = |id| uuid::Uuid::from_u128(id);
    // 9 takes the place of 1; 2 has changed its pair; 3 is gone, and 4 was never here.
    let change = vec![intention(9, "WEB", "db", Deny), intention(2, "x", "y", Deny)];
    written.apply(Command::ReplicateIntentions { delete: vec![one(3), one(4)], put: change });
    let mut ids: Vec<_> = written.ask(&ListIntentions).iter().map(|row| row.id).collect();
    ids.sort();
    assert_eq!(ids, [one(2), one(9)]);
    assert_eq!(written.ask(&pair("web", "db")).unwrap().action, Deny);
    assert_eq!(written.ask(&by_id(2)).unwrap().index, RaftIndex { create: 2, modify: 4 });
    assert!(written.ask(&pair("api", "db")).is_none());
}

#[test]
fn put_by_name_creates_and_then_replaces_under_the_same_id() {
    let mut written = Written::by([put_by_name(intention(1, "web", "db", Allow))]);
    written.apply(put_by_name(intention(2, "web", "db", Deny)));
    let all = written.ask(&ListIntentions);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].id, all[0].action), (uuid::Uuid::from_u128(1), Deny));
}

#[test]
fn an_intention_is_deleted_by_id_or_by_name_and_once() {
    let mut written =
        Written::by([put(intention(1, "web", "db", Allow)), put(intention(2, "*", "db", Deny))]);
    written.apply(Command::DeleteIntention(uuid::Uuid::from_u128(1)));
    assert!(written.ask(&by_id(1)).is_none());
    written.apply(delete_by_name("*", "db"));
    assert!(written.ask(&ListIntentions).is_empty());
    let gone = written.refusal(Command::DeleteIntention(uuid::Uuid::from_u128(1)));
    assert_eq!(gone, Refusal::NoSuchIntention { id: uuid::Uuid::from_u128(1) });
    let gone = written.refusal(delete_by_name("*", "db"));
    assert!(matches!(gone, Refusal::NoSuchIntentionPair { .. }), "{gone}");
    written.apply(put(intention(3, "web", "db", Allow)));
}

#[test]
fn a_refused_intention_moves_no_index() {
    let mut written = Written::by([put(intention(1, "web", "db", Allow))]);
    written.refusal(put(intention(2, "web", "db", Deny)));
    assert_eq!(written.index_of(&ListIntentions), 1);
    written.apply(delete_by_name("web", "db"));
    assert_eq!(written.index_of(&ListIntentions), 3);
}

#[test]
fn lists_are_in_the_order_of_precedence() {
    let pairs = [("*", "*"), ("web", "*"), ("*", "db"), ("web", "db"), ("api", "db")];
    let puts = pairs.iter().zip(1..).map(|((s, d), id)| put(intention(id, s, d, Allow)));
    let written = Written::by(puts);
    let order = |list: &[Arc<Intention>]| -> Vec<_> { list.iter().map(|i| i.precedence()).collect() };
    assert_eq!(order(&written.ask(&ListIntentions)), [9, 9, 8, 6, 5]);
    let side = crate::intention::Side::Source;
    let matched = written.ask(&MatchIntentions { side, name: target("web") });
    assert_eq!(order(&matched), [9, 8, 6, 5]);
}
