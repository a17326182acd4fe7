//! Keeps this node's leaf certificates fresh: made once for all who ask, renewed well before their end.
//!
//! It does not know who signs (a port), who may ask for which service (its callers do), nor TLS.

mod check;
mod entry;
mod error;
mod files;
mod job;
mod keeper;
mod manager;
mod schedule;
mod signer;
mod trust;

pub use error::LeafError;
pub use keeper::LeafKeeper;
pub use manager::{LeafManager, LeafOptions};
pub use schedule::{refresh_at, retry_after};
pub use signer::{CertSigner, SignerError, SigningRequest};

#[cfg(test)]
mod tests;
