//! Stored values: the table, what may be written to it, and what may be asked.

mod query;
mod table;
mod write;

pub use query::{GetKey, KeyNames, ListKeys};
pub(super) use table::KvTable;
pub use table::LockDelay;
pub use write::{KvRead, KvReadVerb, KvVerb, KvWrite};
