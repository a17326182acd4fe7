//! Hosts openraft over our log and state: what it acknowledges is on the disks of a majority.
//!
//! No openraft type leaves this room. It does not know what commands mean, nor who proposes them.

#![allow(clippy::result_large_err, reason = "openraft's traits fix their error types")]

mod answering;
mod batcher;
mod core_log;
mod elections;
mod error;
mod files;
mod herald;
mod keeper;
mod lanes;
mod memory_log;
mod message;
mod network;
mod node;
mod open;
mod options;
mod pulse;
mod segment_log;
mod sending;
mod servers;
mod snapshots;
mod state_machine;
mod stored;
#[cfg(test)]
mod tests;
mod transport;
mod types;
mod window;

pub use error::{AgreementError, MembershipError, MessageError, RaftError};
pub use files::{Damage, FileError};
pub use node::RaftNode;
pub use options::{Compaction, Founding, RaftOptions, Storage};
pub use segment_log::{LogError, OutOfOrder};
pub use servers::Server;
pub use snapshots::SnapshotError;
pub use transport::{NoPeers, Transport, TransportError};
