use super::*;
use crate::model::{CaConfig, CaProviderState, CaRoot, Opaque};

pub(super) fn set(expected: u64, roots: &[CaRoot], key: Option<&str>) -> Command {
    let config = CaConfig {
        cluster_id: uuid::Uuid::nil(),
        provider: "consul".to_owned(),
        config: Opaque::new(),
        index: RaftIndex::default(),
    };
    let provider = key.map(|key| CaProviderState {
        root_id: roots[0].id.clone(),
        private_key_pem: key.to_owned(),
        intermediate_pem: None,
    });
    Command::SetCa { expected, config, roots: roots.to_vec(), provider }
}

fn indexes(written: &Written) -> Vec<RaftIndex> {
    written.ask(&GetCa).roots.iter().map(|root| root.index).collect()
}

#[test]
fn of_two_who_saw_the_same_state_one_sets_the_ca() {
    let mut written = Written::by([set(0, &[root("a", true)], Some("key"))]);
    assert_eq!(written.ask(&GetCa).index, 1);
    let refusal = written.refusal(set(0, &[root("b", true)], Some("other")));
    assert_eq!(refusal, Refusal::CaChanged { expected: 0, found: 1 });
    assert_eq!(written.ask(&GetCa).roots[0].id, "a");
    assert_eq!(written.state().ca_provider().unwrap().private_key_pem, "key");
}

#[test]
fn a_root_that_stays_as_it_is_keeps_its_index() {
    let mut written = Written::by([set(0, &[root("a", true)], Some("key"))]);
    written.apply(set(1, &[root("b", true), root("a", false)], None));
    assert_eq!(indexes(&written), [RaftIndex { create: 2, modify: 2 }, RaftIndex { create: 1, modify: 2 }]);
    written.apply(set(2, &[root("b", true), root("a", false)], None));
    assert_eq!(indexes(&written), [RaftIndex { create: 2, modify: 2 }, RaftIndex { create: 1, modify: 2 }]);
    assert_eq!(written.state().ca_provider().unwrap().private_key_pem, "key", "kept where none comes");
}

#[test]
fn exactly_one_root_is_active() {
    let mut written = Written::default();
    for (roots, found) in [(vec![], 0), (vec![root("a", true), root("b", true)], 2)] {
        assert_eq!(written.refusal(set(0, &roots, None)), Refusal::ActiveRoots { found });
    }
}
