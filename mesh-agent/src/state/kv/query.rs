use crate::model::{Key, KvEntry};
use crate::state::{Query, State, Topic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One stored value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetKey(pub Key);

impl Query for GetKey {
    type Output = Option<Arc<KvEntry>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Key(self.0.clone())]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.kv.get(&self.0).cloned()
    }
}

/// All stored values whose keys begin like this, in the order of keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListKeys(pub Key);

impl Query for ListKeys {
    type Output = Vec<Arc<KvEntry>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::KeyPrefix(self.0.clone())]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.kv.below(&self.0).cloned().collect()
    }
}

/// The keys that begin like this; with a separator, up to where it comes next, each once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyNames {
    pub prefix: Key,
    pub separator: Option<String>,
}

impl Query for KeyNames {
    type Output = Vec<Key>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::KeyPrefix(self.prefix.clone())]
    }
    fn run(&self, state: &State) -> Self::Output {
        let mut names: Vec<Key> = Vec::new();
        for entry in state.kv.below(&self.prefix) {
            let name = self.shortened(&entry.key);
            if names.last().is_none_or(|last| **last != *name) {
                names.push(if name.len() == entry.key.len() { entry.key.clone() } else { name.into() });
            }
        }
        names
    }
}

impl KeyNames {
    fn shortened<'k>(&self, key: &'k str) -> &'k str {
        let Some(separator) = self.separator.as_deref().filter(|s| !s.is_empty()) else { return key };
        let rest = &key[self.prefix.len()..];
        rest.find(separator).map_or(key, |at| &key[..self.prefix.len() + at + separator.len()])
    }
}
