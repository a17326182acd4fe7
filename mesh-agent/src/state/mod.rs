//! The replicated state machine: what commands do to the tables, and what readers may ask.
//!
//! It is pure: no clock, no randomness, no I/O; times and ids are inside the commands. It does not know
//! Raft, HTTP or who is asking.

mod apply;
mod command;
mod coordinates;
mod derived;
#[cfg(test)]
pub(crate) mod fixtures;
mod format;
mod kv;
mod pairs;
mod prepared;
mod query;
mod rows;
mod session;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod topic;
mod topic_indexes;
mod txn;
mod view;
mod whole;

pub use command::{Command, Deregistration, Outcome, Refusal, Registration};
pub use coordinates::ListCoordinates;
pub use kv::{GetKey, KeyNames, KvRead, KvReadVerb, KvVerb, KvWrite, ListKeys, LockDelay};
pub use prepared::{
    ExecuteGiven, ExecutePrepared, Executed, ExplainPrepared, GetPrepared, ListPrepared, TemplateError,
};
pub use query::{
    AllChecks, CaView, GetAutopilot, GetCa, GetIntention, GetNode, InstancesOf, IntentionRead,
    ListIntentions, ListNodes, ListServices, MatchIntentions, NodeView, OwnersOf, Query, ServiceChecks,
    ServiceInstance, Through,
};
pub use session::{GetSession, ListSessions, LockDelays};
pub use store::Store;
pub use tables::State;
pub use topic::Topic;
pub use txn::{ReadTxn, RowVerb, TxnError, TxnFailure, TxnOperation, TxnResult};
pub use view::{Behind, ViewChange};
pub use whole::WholeState;
