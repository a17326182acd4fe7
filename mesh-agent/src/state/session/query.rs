use crate::model::{Key, NodeName, Session, SessionId};
use crate::state::{LockDelay, Query, State, Topic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetSession(pub SessionId);

impl Query for GetSession {
    type Output = Option<Arc<Session>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Sessions]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.sessions.get(self.0).cloned()
    }
}

/// All sessions, or those of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListSessions(pub Option<NodeName>);

impl Query for ListSessions {
    type Output = Vec<Arc<Session>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Sessions]
    }
    fn run(&self, state: &State) -> Self::Output {
        match &self.0 {
            Some(node) => state.sessions.on_node(node.folded()).cloned().collect(),
            None => state.sessions.all().cloned().collect(),
        }
    }
}

/// The keys that nobody may lock for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LockDelays;

impl Query for LockDelays {
    type Output = Vec<(Key, LockDelay)>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::LockDelays]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.kv.lock_delays().iter().map(|(key, delay)| (key.clone(), *delay)).collect()
    }
}
