use crate::model::{Intention, IntentionId, RaftIndex};
use crate::state::Command;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of one command, so that an entry of the log stays small.
const MOST: usize = 256;

/// What makes this datacenter's intentions those of the primary, ids included. All that changes together there
/// changes together here, as far as it fits into one command.
pub(super) fn plan(primary: &[Intention], own: &[Arc<Intention>]) -> Vec<Command> {
    let wanted: BTreeMap<IntentionId, &Intention> = primary.iter().map(|row| (row.id, row)).collect();
    let have: BTreeMap<IntentionId, &Intention> = own.iter().map(|row| (row.id, &**row)).collect();
    let mut delete: Vec<IntentionId> = have.keys().filter(|id| !wanted.contains_key(id)).copied().collect();
    let mut put: Vec<Intention> = wanted
        .into_iter()
        .filter(|(id, row)| have.get(id).is_none_or(|have| !is_same(have, row)))
        .map(|(_, row)| row.clone())
        .collect();
    let mut commands = Vec::new();
    while !delete.is_empty() || !put.is_empty() {
        let some_put: Vec<Intention> = put.drain(..put.len().min(MOST)).collect();
        let some_delete = delete.drain(..delete.len().min(MOST)).collect();
        commands.push(Command::ReplicateIntentions { delete: some_delete, put: some_put });
    }
    commands
}

/// The times and indexes of either datacenter are its own.
fn is_same(one: &Intention, other: &Intention) -> bool {
    let bare = |row: &Intention| Intention { index: RaftIndex::default(), created_at: 0, ..row.clone() };
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intention::fixture::intention;
    use crate::model::IntentionAction::{Allow, Deny};

    fn changes(primary: &[Intention], own: &[Arc<Intention>]) -> (Vec<IntentionId>, Vec<IntentionId>) {
        let (mut deleted, mut written) = (Vec::new(), Vec::new());
        for command in plan(primary, own) {
            let Command::ReplicateIntentions { delete, put } = command else { panic!("{command:?}") };
            assert!(delete.len() <= MOST && put.len() <= MOST);
            deleted.extend(delete);
            written.extend(put.into_iter().map(|row| row.id));
        }
        (deleted, written)
    }

    fn row(source: &str, destination: &str) -> Intention {
        Intention { id: IntentionId::new_v4(), ..Intention::clone(&intention(source, destination, Deny)) }
    }

    #[test]
    fn only_what_differs_is_written() {
        let (kept, changed, gone, new) = (row("a", "b"), row("b", "c"), row("c", "d"), row("d", "e"));
        let own: Vec<_> = [&kept, &changed, &gone].map(|row| Arc::new(row.clone())).into();
        let newer = Intention { index: RaftIndex { create: 7, modify: 9 }, ..kept };
        let allowed = Intention { action: Allow, ..changed.clone() };
        let found = changes(&[newer, allowed, new.clone()], &own);
        let mut written = vec![changed.id, new.id];
        written.sort();
        assert_eq!(found, (vec![gone.id], written));
    }

    #[test]
    fn many_are_written_by_several_commands() {
        let rows: Vec<_> = (0..600).map(|number| row(&format!("s{number}"), "db")).collect();
        assert_eq!(plan(&rows, &[]).len(), 3);
        assert_eq!(changes(&rows, &[]).1.len(), 600);
        let same: Vec<_> = rows.iter().cloned().map(Arc::new).collect();
        assert!(plan(&rows, &same).is_empty());
    }
}
