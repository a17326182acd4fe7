use crate::stream::Topical;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a reader can wait for; each topic has its own index, which never goes back.
/// Names are folded to lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// Any node.
    Nodes,
    /// One node, its services and its checks.
    Node(Arc<str>),
    /// The list of services and their tags.
    Services,
    /// The instances of one service, with their nodes and checks.
    Service(Arc<str>),
    /// The instances through which one service accepts mesh connections.
    Connect(Arc<str>),
    /// Any check.
    Checks,
    /// Any intention.
    Intentions,
    /// Roots and CA configuration.
    Ca,
    /// One stored value. Its index is in its table.
    Key(Arc<str>),
    /// All stored values whose keys begin like this. Its index is in their table.
    KeyPrefix(Arc<str>),
    /// Any session.
    Sessions,
    /// Keys that nobody may lock for a while.
    LockDelays,
    /// Any prepared query.
    PreparedQueries,
    Autopilot,
    /// Where any node stands in the network.
    Coordinates,
}

impl Topical for Topic {
    fn prefix(&self) -> Option<&str> {
        match self {
            Self::KeyPrefix(prefix) => Some(prefix),
            _ => None,
        }
    }
    fn name(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }
}

impl Topic {
    /// It is about one named thing, which may come and go.
    pub(super) fn is_of_one(&self) -> bool {
        matches!(self, Self::Node(_) | Self::Service(_) | Self::Connect(_))
    }
}
