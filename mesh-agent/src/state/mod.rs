//! The replicated state machine: what commands do to the tables, and what readers may ask.
//!
//! It is pure: no clock, no randomness, no I/O; times and ids are inside the commands. It does not know
//! Raft, HTTP or who is asking.

mod apply;
mod command;
mod derived;
#[cfg(test)]
pub(crate) mod fixtures;
mod pairs;
mod query;
mod rows;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod topic;
mod topic_indexes;
mod view;

pub use command::{Command, Deregistration, Outcome, Refusal, Registration};
pub use query::{
    AllChecks, CaView, GetCa, GetIntention, GetNode, InstancesOf, IntentionRead, ListIntentions, ListNodes,
    ListServices, MatchIntentions, NodeView, OwnersOf, Query, ServiceChecks, ServiceInstance, Through,
};
pub use store::Store;
pub use tables::State;
pub use topic::Topic;
pub use view::{Behind, ViewChange};
