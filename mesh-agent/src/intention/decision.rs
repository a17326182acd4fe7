use super::rank::by_precedence;
use crate::model::{Intention, IntentionAction, ServiceName};
use std::fmt;
use std::sync::Arc;

/// The reason where no intention bears on a connection; clients look for this text.
pub const DEFAULT_REASON: &str = "Default behavior configured by ACLs";

/// Whether a connection may be made, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentionDecision {
    pub allowed: bool,
    /// The intention that decided; absent where the default did, or a rule about identities.
    pub by: Option<Arc<Intention>>,
    /// For people: the intention by its names, or the rule.
    pub reason: String,
}

impl IntentionDecision {
    /// What an intention says.
    pub fn matched(intention: &Arc<Intention>) -> Self {
        let (source, destination) = (&intention.source, &intention.destination);
        Self {
            allowed: intention.action == IntentionAction::Allow,
            reason: format!("Matched intention: {source} => {destination} ({})", intention.action),
            by: Some(intention.clone()),
        }
    }

    /// What holds where nothing matched.
    pub fn by_default(default: IntentionAction) -> Self {
        let reason = format!("{DEFAULT_REASON} ({default})");
        Self { allowed: default == IntentionAction::Allow, by: None, reason }
    }

    /// Refused before any intention was looked at.
    pub fn refused(reason: impl fmt::Display) -> Self {
        Self { allowed: false, by: None, reason: reason.to_string() }
    }
}

/// Decides by looking at every rule; [`mesh_common::decide`] is the quick way to the same answer.
pub fn decide<'a>(
    rules: impl IntoIterator<Item = &'a Arc<Intention>>,
    source: &ServiceName,
    destination: &ServiceName,
    default: IntentionAction,
) -> IntentionDecision {
    let covers = |rule: &&Arc<Intention>| rule.source.covers(source) && rule.destination.covers(destination);
    rules
        .into_iter()
        .filter(covers)
        .min_by(|a, b| by_precedence(a, b))
        .map_or_else(|| IntentionDecision::by_default(default), IntentionDecision::matched)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{intention, service};
    use super::*;
    use IntentionAction::{Allow, Deny};
    use mesh_common::{ANY, Action, ServiceNumber};

    #[test]
    fn the_reason_names_the_intention_or_the_default() {
        let rules = [intention("web", "db", Deny)];
        let denied = decide(&rules, &service("web"), &service("db"), Allow);
        assert!(!denied.allowed);
        assert_eq!(denied.reason, "Matched intention: web => db (deny)");
        assert_eq!(denied.by.as_ref(), Some(&rules[0]));

        let other = decide(&rules, &service("api"), &service("db"), Allow);
        assert!(other.allowed && other.by.is_none());
        assert_eq!(other.reason, "Default behavior configured by ACLs (allow)");
    }

    #[test]
    fn the_exact_destination_outranks_the_exact_source() {
        let rules = [intention("web", "*", Deny), intention("*", "db", Allow)];
        assert!(decide(&rules, &service("web"), &service("db"), Deny).allowed);
        assert!(!decide(&rules, &service("web"), &service("api"), Allow).allowed);
    }

    #[test]
    fn a_name_in_other_case_does_not_slip_past_a_deny() {
        let rules = [intention("WEB", "db", Allow), intention("web", "DB", Deny)];
        assert!(!decide(&rules, &service("Web"), &service("Db"), Allow).allowed);
    }

    const NAMES: [&str; 3] = ["*", "a", "b"];

    /// Rule set number `n`: each of the nine pairs is absent, allowed or denied, a digit in base three.
    fn rule_set(n: usize) -> Vec<Arc<Intention>> {
        let pairs = (0..9).map(|pair| (NAMES[pair / 3], NAMES[pair % 3], n / 3_usize.pow(pair as u32) % 3));
        pairs
            .filter_map(|(s, d, digit)| Some(intention(s, d, [None, Some(Allow), Some(Deny)][digit]?)))
            .collect()
    }

    fn number(name: &str) -> ServiceNumber {
        NAMES.iter().position(|n| *n == name).map_or(ANY, |n| n as ServiceNumber)
    }

    fn action(action: IntentionAction) -> Action {
        if action == Allow { Action::Allow } else { Action::Deny }
    }

    /// The kernel's ladder and a sort by Consul's precedence agree on every set of rules over two named
    /// services and the wildcard, for these services, one that no rule names, and both defaults.
    #[test]
    fn the_ladder_agrees_with_a_sort_by_precedence_on_all_small_rule_sets() {
        for n in 0..3_usize.pow(9) {
            let rules = rule_set(n);
            let table = |s, d| {
                let find = |r: &&Arc<Intention>| {
                    (number(r.source.as_str()), number(r.destination.as_str())) == (s, d)
                };
                rules.iter().find(find).map(|r| action(r.action))
            };
            let mut sorted = rules.clone();
            sorted.sort_by_key(|r| std::cmp::Reverse(r.precedence()));
            for (s, d) in ["a", "b", "c"].iter().flat_map(|s| ["a", "b", "c"].map(|d| (*s, d))) {
                let first =
                    sorted.iter().find(|r| r.source.covers(&service(s)) && r.destination.covers(&service(d)));
                for default in [Allow, Deny] {
                    let want = first.map_or(default, |r| r.action);
                    let ladder = mesh_common::decide(number(s), number(d), action(default), table);
                    assert_eq!(ladder, action(want), "{rules:?} {s} => {d}");
                    let scanned = decide(&rules, &service(s), &service(d), default);
                    assert_eq!(scanned.allowed, want == Allow, "{rules:?} {s} => {d}");
                }
            }
        }
    }
}
