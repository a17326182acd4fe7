use crate::event::ThisNode;
use crate::local::LocalState;
use crate::model::NodeName;
use std::sync::Arc;

/// What is registered with this agent says which events concern it.
pub(in crate::agent) struct LocalNode {
    pub name: NodeName,
    pub local: Arc<LocalState>,
}

impl ThisNode for LocalNode {
    fn name(&self) -> String {
        self.name.to_string()
    }

    fn services(&self) -> Vec<(String, Vec<String>)> {
        let view = self.local.view();
        view.services.values().map(|s| (s.service.name.to_string(), s.service.tags.clone())).collect()
    }
}
