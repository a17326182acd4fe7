use super::{CheckId, NodeName, RaftIndex};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub type SessionId = uuid::Uuid;

/// The check by which the servers say that a node is alive.
pub const LIVENESS_CHECK: &str = "serfHealth";

/// Somebody who holds locks for as long as a node and some of its checks are well, and, with a time to
/// live, for as long as it is renewed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub name: String,
    pub node: NodeName,
    /// Checks of the node itself.
    pub node_checks: Vec<CheckId>,
    /// Checks of services on the node.
    pub service_checks: Vec<CheckId>,
    /// How long nobody gets the locks that it held, once it has ended against its will.
    pub lock_delay: Duration,
    pub behavior: SessionBehavior,
    pub ttl: Option<Duration>,
    pub index: RaftIndex,
}

impl Session {
    /// It ends when one of these turns critical or goes.
    pub fn checks(&self) -> impl Iterator<Item = &CheckId> {
        self.node_checks.iter().chain(&self.service_checks)
    }
}

/// What becomes of the keys that an ending session has locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionBehavior {
    /// They stay, without the lock.
    #[default]
    Release,
    Delete,
}

impl SessionBehavior {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Delete => "delete",
        }
    }
}
