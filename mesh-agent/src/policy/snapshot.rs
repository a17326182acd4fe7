use crate::intention::IntentionDecision;
use crate::model::{Intention, IntentionAction, IntentionTarget, ServiceName};
use crate::state::{ListIntentions, Query, State};
use mesh_common::{ANY, ServiceNumber, most_specific};
use std::collections::HashMap;
use std::sync::Arc;

/// Who may connect to whom, at one index of the state.
#[derive(Clone, Debug)]
pub struct MeshSnapshot {
    /// The index of the intentions it was made from; 0 before there was any state to read.
    generation: u64,
    default: IntentionAction,
    /// The services that rules name, folded, as the ladder calls them.
    numbers: HashMap<Arc<str>, ServiceNumber>,
    rules: HashMap<(ServiceNumber, ServiceNumber), Arc<Intention>>,
}

/// What the state says. The same state and default give the same snapshot.
pub fn compile(state: &State, default: IntentionAction) -> MeshSnapshot {
    let query = ListIntentions;
    let mut snapshot =
        MeshSnapshot { generation: state.index_of(&query.topics()), default, ..MeshSnapshot::unknown() };
    for intention in query.run(state) {
        snapshot.insert(intention);
    }
    snapshot
}

impl MeshSnapshot {
    /// Nothing has been read yet: everything is refused.
    pub fn unknown() -> Self {
        Self { generation: 0, default: IntentionAction::Deny, numbers: HashMap::new(), rules: HashMap::new() }
    }

    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What holds where no intention matches.
    pub fn default_action(&self) -> IntentionAction {
        self.default
    }

    /// Every intention that can ever decide.
    pub fn intentions(&self) -> impl Iterator<Item = &Arc<Intention>> {
        self.rules.values()
    }

    /// Whether `source` may connect to `destination`. Both names are already proved.
    pub fn decide(&self, source: &ServiceName, destination: &ServiceName) -> IntentionDecision {
        if self.generation == 0 {
            return IntentionDecision::refused(
                "Intentions are not known yet: this agent has not read them, so it refuses every connection",
            );
        }
        match self.governing(source, destination) {
            Some(intention) => IntentionDecision::matched(intention),
            None => IntentionDecision::by_default(self.default),
        }
    }

    fn governing(&self, source: &ServiceName, destination: &ServiceName) -> Option<&Arc<Intention>> {
        most_specific(self.number(source), self.number(destination), |s, d| self.rules.get(&(s, d)))
    }

    /// A service that no rule names is covered by wildcards only, which is what `ANY` means.
    fn number(&self, service: &ServiceName) -> ServiceNumber {
        self.numbers.get(&service.folded()).copied().unwrap_or(ANY)
    }

    /// Rules come in the order in which they govern, so the first of a pair stays.
    fn insert(&mut self, intention: Arc<Intention>) {
        let pair = (self.number_of(&intention.source), self.number_of(&intention.destination));
        self.rules.entry(pair).or_insert(intention);
    }

    fn number_of(&mut self, target: &IntentionTarget) -> ServiceNumber {
        let IntentionTarget::Service(name) = target else { return ANY };
        let next = ServiceNumber::try_from(self.numbers.len()).map_or(ServiceNumber::MAX, |n| n + 1);
        *self.numbers.entry(name.folded()).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intention::{self, fixture};
    use crate::state::{Command, Store};
    use IntentionAction::{Allow, Deny};

    fn state_of(rules: &[Arc<Intention>]) -> Arc<State> {
        let store = Store::default();
        let put = |rule: &Arc<Intention>| Command::PutIntention(Box::new(Intention::clone(rule)));
        store.apply(7, rules.iter().map(put).collect());
        store.state()
    }

    #[test]
    fn a_snapshot_decides_as_a_scan_of_all_rules_does() {
        let rules = [
            fixture::intention("web", "db", Deny),
            fixture::intention("*", "db", Allow),
            fixture::intention("web", "*", Allow),
            fixture::intention("Api", "DB", Deny),
        ];
        for default in [Allow, Deny] {
            let snapshot = compile(&state_of(&rules), default);
            for (s, d) in [("web", "db"), ("WEB", "Db"), ("api", "db"), ("web", "x"), ("x", "db"), ("x", "y")]
            {
                let (s, d) = (fixture::service(s), fixture::service(d));
                let (got, want) = (snapshot.decide(&s, &d), intention::decide(&rules, &s, &d, default));
                assert_eq!((got.allowed, got.reason), (want.allowed, want.reason), "{s} => {d}");
            }
        }
    }

    #[test]
    fn a_rule_that_differs_in_case_only_cannot_undo_another() {
        let rules = [fixture::intention("web", "db", Deny), fixture::intention("Web", "db", Allow)];
        let snapshot = compile(&state_of(&rules), Allow);
        assert!(!snapshot.decide(&fixture::service("Web"), &fixture::service("db")).allowed);
    }

    #[test]
    fn a_snapshot_of_no_state_refuses_and_one_of_an_empty_state_does_as_configured() {
        let (web, db) = (fixture::service("web"), fixture::service("db"));
        assert!(!MeshSnapshot::unknown().decide(&web, &db).allowed);
        let empty = compile(&State::default(), Allow);
        assert!(empty.generation() > 0 && empty.decide(&web, &db).allowed);
    }
}
