use serde::{Deserialize, Serialize};

/// When an object came into being and when it last changed, as Raft log indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftIndex {
    pub create: u64,
    pub modify: u64,
}
