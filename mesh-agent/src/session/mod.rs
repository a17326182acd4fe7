//! Ends sessions whose time is over, and the delays after lost locks, where this server leads.
//!
//! Deadlines are in the leader's memory alone: a renewal writes nothing, and a new leader starts all of
//! them afresh, so that a session lives longer rather than shorter. It does not know HTTP or Raft.

mod deadlines;
mod keeper;
#[cfg(test)]
mod tests;

pub use keeper::{Leadership, SessionKeeper, Sessions};
