//! The certificate authority: owns the roots and signs the requests of services through a provider.
//!
//! It does not know tokens (its caller says which service a request may name), HTTP, RPC, nor how the
//! servers agree on what it stores.

mod active;
mod builtin;
mod configure;
mod distinguished_name;
mod error;
mod limit;
mod manager;
mod provider;
mod prune;
mod rotation;
mod secondary;
mod settings;
mod store;

pub use builtin::BuiltinCa;
pub use error::CaError;
pub use limit::{CsrLimiter, LimitError};
pub use manager::{CaManager, SignRequest, SignedLeaf};
pub use provider::{CaProvider, IntermediateTemplate, LeafTemplate, ProviderError};
pub use prune::{RootPruner, prune};
pub use secondary::{IntermediateSigner, PrimaryCa};
pub use settings::{CaSettings, SettingsError};
pub use store::{CaChange, CaStore, CaStoreError};

#[cfg(test)]
mod tests;
