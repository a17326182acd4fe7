use super::Write;
use crate::model::Key;
use crate::snapshot::Archive;
use crate::state::{Refusal, State, Topic};

impl Write<'_> {
    /// Everything becomes what it was when the archive was made, but no index goes back: whoever has seen a
    /// newer one, here or in the cluster that the archive is from, sees the restoring as a later write.
    pub(super) fn restore(&mut self, archive: &[u8]) -> Result<(), Refusal> {
        let restored = Archive::open(archive).map_err(|error| unreadable(&error))?;
        let restored = State::from_snapshot(&restored.state).map_err(|error| unreadable(&error))?;
        let index = self.index.max(restored.applied + 1);
        let offset = self.state.offset + (index - self.index);
        let mut topics: Vec<Topic> = self.state.indexes.topics().cloned().collect();
        topics.extend(restored.indexes.topics().cloned());
        let forgotten = self.state.indexes.forgotten();
        let keys: Vec<Key> = self.state.kv.keys().chain(restored.kv.keys()).cloned().collect();
        let kv = restored.kv.clone().since(index);
        *self.state = State { offset, applied: index, kv, ..restored };
        keys.into_iter().for_each(|key| self.ring(Topic::Key(key)));
        self.index = index;
        self.state.indexes.follow(Vec::new(), &[], forgotten.max(index));
        for topic in topics {
            let remains = !topic.is_of_one() || self.state.indexes.of(&topic).is_some();
            if remains { self.touch(topic) } else { self.touch_last(topic) }
        }
        Ok(())
    }
}

fn unreadable(error: &dyn std::error::Error) -> Refusal {
    Refusal::Unrestorable { reason: error.to_string() }
}
