//! SPIFFE identities, certificate signing requests and chains as values.
//!
//! It does not know who signs, where certificates are kept, or when TLS is spoken; it reads no clock.

mod any_server;
mod certificate;
mod chain;
pub mod cluster;
mod csr;
mod error;
mod explain;
mod intermediate;
mod key;
mod pem;
mod spiffe;
mod trust;

pub use any_server::AnyServer;
pub use certificate::{LeafInfo, RootInfo};
pub use chain::{CertChain, MAX_CHAIN};
pub use csr::{Csr, MAX_CSR_BYTES};
pub use error::PkiError;
pub use explain::explain;
pub use intermediate::IntermediateCsr;
pub use key::{KeyKind, PublicKey};
pub use pem::{certificate_to_pem, colon_hex};
pub use spiffe::{SpiffeError, SpiffeId, TrustDomain};
pub use trust::TrustAnchors;

#[cfg(test)]
mod tests;
