use super::Write;
use crate::model::{Intention, IntentionId, IntentionTarget};
use crate::state::{Refusal, Topic};

impl Write<'_> {
    pub(super) fn put_intention(&mut self, mut intention: Intention) -> Result<(), Refusal> {
        let holder = self.state.intention_between(&intention.source, &intention.destination);
        if let Some(id) = holder.filter(|id| *id != intention.id) {
            let (source_name, destination) = (intention.source, intention.destination);
            return Err(Refusal::DuplicateIntention { id, source_name, destination });
        }
        let old = self.state.intentions.get(&intention.id);
        if let Some(old) = old {
            intention.created_at = old.created_at;
        }
        intention.index = self.stamp(old.map(|old| old.index));
        self.state.insert_intention(intention);
        self.touch(Topic::Intentions);
        Ok(())
    }

    pub(super) fn put_intention_by_name(&mut self, mut intention: Intention) -> Result<(), Refusal> {
        if let Some(id) = self.state.intention_between(&intention.source, &intention.destination) {
            intention.id = id;
        }
        self.put_intention(intention)
    }

    pub(super) fn replicate_intentions(&mut self, delete: &[IntentionId], put: Vec<Intention>) {
        for id in delete {
            self.state.remove_intention(*id);
        }
        for mut intention in put {
            let holder = self.state.intention_between(&intention.source, &intention.destination);
            if let Some(holder) = holder.filter(|id| *id != intention.id) {
                self.state.remove_intention(holder);
            }
            intention.index = self.stamp(self.state.intentions.get(&intention.id).map(|old| old.index));
            self.state.insert_intention(intention);
        }
        self.touch(Topic::Intentions);
    }

    pub(super) fn delete_intention(&mut self, id: IntentionId) -> Result<(), Refusal> {
        self.state.remove_intention(id).ok_or(Refusal::NoSuchIntention { id })?;
        self.touch(Topic::Intentions);
        Ok(())
    }

    pub(super) fn delete_intention_by_name(
        &mut self,
        source: IntentionTarget,
        destination: IntentionTarget,
    ) -> Result<(), Refusal> {
        match self.state.intention_between(&source, &destination) {
            Some(id) => self.delete_intention(id),
            None => Err(Refusal::NoSuchIntentionPair { source_name: source, destination }),
        }
    }
}
