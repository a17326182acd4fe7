use crate::model::{Intention, IntentionAction, IntentionTarget};
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

/// Which end of a connection a name is matched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Destination,
}

impl Side {
    fn of(self, intention: &Intention) -> &IntentionTarget {
        match self {
            Self::Source => &intention.source,
            Self::Destination => &intention.destination,
        }
    }
}

/// Whether an intention can govern connections of `name`; for the name `*`, those of every service.
pub fn bears_on(intention: &Intention, side: Side, name: &IntentionTarget) -> bool {
    match name {
        IntentionTarget::Any => !side.of(intention).is_exact(),
        IntentionTarget::Service(name) => side.of(intention).covers(name),
    }
}

/// Sorts by precedence, highest first, and by name among equals.
pub fn rank(intentions: &mut [Arc<Intention>]) {
    intentions.sort_by(|a, b| by_precedence(a, b).then_with(|| names(a).cmp(&names(b))));
}

/// The one that governs comes first. Two that govern the same pair differ only in the case of their
/// names; the deny wins.
pub(super) fn by_precedence(a: &Intention, b: &Intention) -> Ordering {
    let key = |i: &Intention| (Reverse(i.precedence()), i.action == IntentionAction::Allow);
    key(a).cmp(&key(b))
}

fn names(intention: &Intention) -> (&IntentionTarget, &IntentionTarget) {
    (&intention.destination, &intention.source)
}
