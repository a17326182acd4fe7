use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::{Deserialize, Serialize};

/// How one table differs from an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rows<K, V> {
    pub(super) put: Vec<(K, V)>,
    pub(super) gone: Vec<K>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { put: Vec::new(), gone: Vec::new() }
    }
}

impl<K: Ord + Clone, V: PartialEq + Clone> Rows<K, V> {
    /// It costs what has changed, not what is there: persistent maps share all else.
    pub(super) fn between(old: &OrdMap<K, V>, new: &OrdMap<K, V>) -> Self {
        let mut rows = Self::default();
        for item in old.diff(new) {
            match item {
                DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
                    rows.put.push((key.clone(), value.clone()));
                }
                DiffItem::Remove(key, _) => rows.gone.push(key.clone()),
            }
        }
        rows
    }

    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.put.iter().map(|(key, _)| key).chain(&self.gone)
    }
}
