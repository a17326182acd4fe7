use super::*;
use crate::model::AutopilotConfig;

#[test]
fn autopilot_is_replaced_only_by_who_has_seen_what_is_there() {
    let store = Store::default();
    let set = |index: u64, max_trailing_logs: u64, expected: Option<u64>| {
        let config = AutopilotConfig { max_trailing_logs, ..AutopilotConfig::default() };
        store.apply(index, vec![Command::SetAutopilot { config, expected }]).remove(0)
    };
    let found = || GetAutopilot.run(&store.state());
    assert_eq!(found(), None);
    assert_eq!(set(5, 1, Some(0)), Outcome::Done { index: 5 });
    let refused = Refusal::AutopilotChanged { expected: 0, found: 5 };
    assert_eq!(set(6, 2, Some(0)), Outcome::Refused(refused));
    assert_eq!(set(7, 3, Some(5)), Outcome::Done { index: 7 });
    assert_eq!(set(8, 4, None), Outcome::Done { index: 8 });
    let config = found().unwrap();
    assert_eq!((config.max_trailing_logs, config.index.create, config.index.modify), (4, 5, 8));
    let restored = Store::default();
    restored.restore(&store.state().snapshot().unwrap()).unwrap();
    assert_eq!(GetAutopilot.run(&restored.state()), Some(config));
}
