//! SPIFFE identities, certificate signing requests and chains as values.
//!
//! It does not know who signs, where certificates are kept, or TLS.

mod spiffe;

pub use spiffe::{SpiffeError, SpiffeId, TrustDomain};
