//! Holds this node's registrations, which are the truth about its services, and keeps the catalog equal to
//! them.
//!
//! It does not know HTTP, how checks are probed, or how a proxy moves bytes.

mod aliases;
mod assignment;
mod checks;
mod critical;
mod deferred;
mod entry;
mod error;
mod expand;
mod maintenance;
mod options;
mod persist;
mod plan;
mod ports;
mod registry;
mod state;
mod sync;
#[cfg(test)]
mod tests;

pub use assignment::ProxyAssignment;
pub use checks::CheckKeeper;
pub use entry::{LocalCheck, LocalService, Source};
pub use error::LocalError;
pub use options::{LocalOptions, ScriptPolicy};
pub use state::{LocalState, LocalView};
pub use sync::StateSyncer;
