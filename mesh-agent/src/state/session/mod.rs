//! Sessions: who holds locks, on which node.

mod query;
mod table;

pub use query::{GetSession, ListSessions, LockDelays};
pub(super) use table::SessionTable;
