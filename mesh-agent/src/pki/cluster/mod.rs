//! What the nodes of a cluster trust each other by: one secret that all of them know, or certificates of the
//! operator's own.
//!
//! Everything else is derived from the secret: the key of gossip, and the authority whose certificates calls
//! between nodes demand. It does not know who calls whom.

mod agent_ca;
mod authority;
mod certificate;
mod error;
mod identity;
mod secret;
mod tls;

pub use agent_ca::{AgentCa, AgentNames, Made, Purpose};
pub use authority::ClusterAuthority;
pub use error::TrustError;
pub use identity::{NodeIdentity, NodeRole};
pub use secret::JoinSecret;
pub use tls::{ClusterTls, OwnCertificates};

#[cfg(test)]
mod tests;
