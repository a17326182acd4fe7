//! What a node that keeps no replicated state is shown of it: changes between two states, row by row.
//!
//! Since they are made by comparing states, a reader that is slow gets one larger change instead of many, and
//! none is ever missed. It does not know how they travel.

mod change;
mod follow;
mod rows;

pub use change::ViewChange;
pub use follow::Behind;

use super::{State, Topic};

impl Topic {
    /// Whatever changes what a view shows touches one of these.
    pub const VIEWED: [Self; 6] =
        [Self::Nodes, Self::Services, Self::Checks, Self::Intentions, Self::Ca, Self::PreparedQueries];

    /// Nodes without replicated state see it.
    fn is_viewed(&self) -> bool {
        match self {
            Self::Nodes | Self::Node(_) | Self::Services | Self::Service(_) | Self::Connect(_) => true,
            Self::Checks | Self::Intentions | Self::Ca | Self::PreparedQueries => true,
            // Locks, stored values and what is for operators are asked of the servers.
            Self::Key(_) | Self::KeyPrefix(_) | Self::Sessions | Self::LockDelays => false,
            Self::Autopilot | Self::Coordinates => false,
        }
    }
}

impl State {
    /// The newest write to what a view shows. Whoever has seen this one has seen all before it.
    pub fn viewed_index(&self) -> u64 {
        self.index_of(&Topic::VIEWED)
    }
}
