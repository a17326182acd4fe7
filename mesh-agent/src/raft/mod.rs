//! Hosts openraft over our log and state: what it acknowledges is on the disks of a majority.
//!
//! No openraft type leaves this room. It does not know what commands mean, nor who proposes them.

#![allow(clippy::result_large_err, reason = "openraft's traits fix their error types")]

mod batcher;
mod error;
mod files;
mod keeper;
mod memory_log;
mod network;
mod node;
mod open;
mod options;
mod segment_log;
mod snapshots;
mod state_machine;
mod stored;
#[cfg(test)]
mod tests;
mod types;
mod window;

pub use error::{AgreementError, RaftError};
pub use files::{Damage, FileError};
pub use node::RaftNode;
pub use options::{Compaction, RaftOptions, Storage};
pub use segment_log::{LogError, OutOfOrder};
pub use snapshots::SnapshotError;
