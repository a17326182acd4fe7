use crate::model::{Session, SessionId};
use crate::state::pairs::Pairs;
use crate::state::tables::NodeKey;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Open sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::state) struct SessionTable {
    rows: OrdMap<SessionId, Arc<Session>>,
    #[serde(skip)]
    on_node: Pairs<NodeKey, SessionId>,
}

impl SessionTable {
    /// With what follows from the rows, after they were decoded.
    pub(in crate::state) fn restored(mut self) -> Self {
        self.on_node = Pairs::default();
        for session in self.rows.values() {
            self.on_node.insert(session.node.folded(), session.id);
        }
        self
    }

    pub(in crate::state) fn get(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.rows.get(&id)
    }

    pub(in crate::state) fn all(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.rows.values()
    }

    pub(in crate::state) fn on_node(&self, node: NodeKey) -> impl Iterator<Item = &Arc<Session>> {
        self.on_node.of(node).filter_map(|id| self.rows.get(id))
    }

    pub(in crate::state) fn put(&mut self, session: Session) {
        self.remove(session.id);
        self.on_node.insert(session.node.folded(), session.id);
        self.rows.insert(session.id, Arc::new(session));
    }

    pub(in crate::state) fn remove(&mut self, id: SessionId) -> Option<Arc<Session>> {
        let removed = self.rows.remove(&id)?;
        self.on_node.remove(removed.node.folded(), id);
        Some(removed)
    }
}
