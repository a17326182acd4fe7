use super::template;
use crate::model::{PreparedQuery, PreparedQueryId};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Prepared queries by id. They are few: whoever asks by name looks through them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::state) struct PreparedTable(OrdMap<PreparedQueryId, Arc<PreparedQuery>>);

impl PreparedTable {
    pub(in crate::state) fn get(&self, id: PreparedQueryId) -> Option<&Arc<PreparedQuery>> {
        self.0.get(&id)
    }

    pub(in crate::state) fn all(&self) -> impl Iterator<Item = &Arc<PreparedQuery>> {
        self.0.values()
    }

    /// For comparing with another table.
    pub(in crate::state) fn rows(&self) -> &OrdMap<PreparedQueryId, Arc<PreparedQuery>> {
        &self.0
    }

    pub(in crate::state) fn put(&mut self, query: PreparedQuery) {
        self.0.insert(query.id, Arc::new(query));
    }

    pub(in crate::state) fn remove(&mut self, id: PreparedQueryId) -> Option<Arc<PreparedQuery>> {
        self.0.remove(&id)
    }

    /// Who has a name already, of queries of the same kind.
    pub(in crate::state) fn named(&self, name: &str, is_template: bool) -> Option<&Arc<PreparedQuery>> {
        let same = |q: &&Arc<PreparedQuery>| {
            q.template.is_some() == is_template && q.name.eq_ignore_ascii_case(name)
        };
        self.all().find(same)
    }

    /// The query of an id or a name, else of the template with the longest name that this one begins with,
    /// filled in.
    pub(in crate::state) fn resolve(&self, asked: &str) -> Option<PreparedQuery> {
        if let Some(query) = asked.parse().ok().and_then(|id| self.get(id)) {
            return Some(template::filled(query, asked));
        }
        if asked.is_empty() {
            return None;
        }
        if let Some(query) = self.named(asked, false) {
            return Some(PreparedQuery::clone(query));
        }
        let begins = |q: &&Arc<PreparedQuery>| {
            let start = asked.get(..q.name.len());
            q.template.is_some() && start.is_some_and(|start| start.eq_ignore_ascii_case(&q.name))
        };
        let best = self.all().filter(begins).max_by_key(|q| q.name.len())?;
        Some(template::filled(best, asked))
    }
}
