//! Holds this node's registrations, which are the truth about its services, and keeps the catalog equal to
//! them.
//!
//! It does not know HTTP, how checks are probed, or how a proxy moves bytes.

mod aliases;
mod assignment;
mod checks;
mod critical;
mod entry;
mod error;
mod expand;
mod options;
mod persist;
mod ports;
mod registry;
mod state;
mod sync;
#[cfg(test)]
mod tests;

pub use assignment::ProxyAssignment;
pub use checks::{CheckKeeper, TtlRenewals};
pub use entry::{LocalCheck, LocalService, Source};
pub use error::LocalError;
pub use options::{LocalOptions, ScriptPolicy};
pub use state::{LocalState, LocalView};
pub use sync::StateSyncer;
