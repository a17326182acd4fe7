use super::Write;
use crate::model::{CheckId, CheckStatus, LIVENESS_CHECK, Session, SessionBehavior, SessionId};
use crate::state::tables::NodeKey;
use crate::state::{Refusal, Topic};

impl Write<'_> {
    pub(super) fn create_session(&mut self, mut session: Session) -> Result<(), Refusal> {
        let node = session.node.folded();
        if !self.state.nodes.contains_key(&node) {
            return Err(Refusal::SessionWithoutNode { node: session.node });
        }
        for check in session.checks() {
            self.check_is_well(&node, check)?;
        }
        session.index = self.stamp(self.state.sessions.get(session.id).map(|old| old.index));
        self.state.sessions.put(session);
        self.touch(Topic::Sessions);
        Ok(())
    }

    /// A node of which the servers have not said anything yet is taken to be alive.
    fn check_is_well(&self, node: &NodeKey, check: &CheckId) -> Result<(), Refusal> {
        match self.state.checks.get(&(node.clone(), check.clone())) {
            Some(found) if found.status == CheckStatus::Critical => {
                Err(Refusal::SessionCheckCritical { check: check.clone() })
            }
            None if check.as_str() != LIVENESS_CHECK => {
                Err(Refusal::SessionWithoutCheck { check: check.clone() })
            }
            _ => Ok(()),
        }
    }

    /// What is not there has ended already.
    pub(super) fn end_session(&mut self, id: SessionId) {
        let Some(session) = self.state.sessions.remove(id) else { return };
        self.touch(Topic::Sessions);
        self.delete_prepared_of(id);
        for key in self.state.kv.locked_by(id) {
            self.lose_lock(&key, session.behavior == SessionBehavior::Delete, session.lock_delay);
        }
    }

    /// After the node went.
    pub(super) fn end_sessions_on(&mut self, node: &NodeKey) {
        let ids: Vec<_> = self.state.sessions.on_node(node.clone()).map(|session| session.id).collect();
        ids.into_iter().for_each(|id| self.end_session(id));
    }

    /// After the check turned critical or went.
    pub(super) fn end_sessions_with(&mut self, node: &NodeKey, check: &CheckId) {
        let with_it =
            self.state.sessions.on_node(node.clone()).filter(|s| s.checks().any(|own| own == check));
        let ids: Vec<_> = with_it.map(|session| session.id).collect();
        ids.into_iter().for_each(|id| self.end_session(id));
    }
}
