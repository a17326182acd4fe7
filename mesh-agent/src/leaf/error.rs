use super::SignerError;
use crate::model::ServiceName;
use crate::pki::{PkiError, SpiffeId};

/// Why there is no certificate, or no new one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    #[error("no certificate was issued for service {service}: {source}")]
    Signer { service: ServiceName, source: SignerError },
    #[error("no certificate was issued for service {service}: the CA did not answer within {seconds} s")]
    Timeout { service: ServiceName, seconds: u64 },
    #[error("the CA's answer for {identity} was refused: {source}")]
    Answer { identity: SpiffeId, source: PkiError },
    #[error("the CA's answer was refused: it is for {found}, and {wanted} was asked for")]
    OtherIdentity { wanted: SpiffeId, found: SpiffeId },
    #[error("the CA's answer for {identity} was refused: it is for another key than was asked for")]
    OtherKey { identity: SpiffeId },
    #[error("a key for service {service} could not be made or read: {reason}")]
    Key { service: ServiceName, reason: String },
    #[error(
        "no certificate for service {service} within {seconds} s: no trusted root is known yet, wait for a leader"
    )]
    NoRoots { service: ServiceName, seconds: u64 },
    #[error("no certificate for service {service} within {seconds} s: the CA has not answered yet")]
    NotYet { service: ServiceName, seconds: u64 },
    #[error("certificates for {limit} services are kept here already: no more are accepted")]
    TooMany { limit: usize },
    #[error("the agent is shutting down")]
    Stopped,
}

impl LeafError {
    /// Whether somebody who waits should be told at once.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Signer { source: SignerError::Refused { .. }, .. })
    }
}
