use super::Topic;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// When each topic was last written. No index ever goes back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TopicIndexes {
    written: OrdMap<Topic, u64>,
    /// The newest write to a topic that is forgotten since. It stands for all of them, so that the names of
    /// what once existed need not be kept for ever.
    forgotten: u64,
}

impl TopicIndexes {
    pub(super) fn touch(&mut self, topic: Topic, index: u64) {
        self.written.insert(topic, index);
    }

    /// What the topic is about exists no more.
    pub(super) fn forget(&mut self, topic: &Topic) {
        if let Some(index) = self.written.remove(topic) {
            self.forgotten = self.forgotten.max(index);
        }
    }

    /// When exactly this topic was last written.
    pub(super) fn of(&self, topic: &Topic) -> Option<u64> {
        self.written.get(topic).copied()
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.written.keys()
    }

    /// All that are remembered.
    pub(super) fn written(&self) -> &OrdMap<Topic, u64> {
        &self.written
    }

    /// The newest write to a topic that is forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What another state's indexes have that these do not.
    pub(super) fn follow(&mut self, put: Vec<(Topic, u64)>, gone: &[Topic], forgotten: u64) {
        for topic in gone {
            self.written.remove(topic);
        }
        self.written.extend(put);
        self.forgotten = self.forgotten.max(forgotten);
    }

    /// No answer to this topic is newer.
    pub(super) fn newest(&self, topic: &Topic) -> u64 {
        match self.of(topic) {
            Some(index) => index,
            None if topic.is_of_one() => self.forgotten,
            None => 0,
        }
    }
}
