use crate::model::ServiceName;
use futures_util::future::BoxFuture;

/// A request on its way to the CA. The private key stays here.
#[derive(Clone, Debug)]
pub struct SigningRequest {
    pub service: ServiceName,
    pub csr_pem: String,
}

/// Who signs: the leader's CA, wherever the leader is.
pub trait CertSigner: Send + Sync {
    /// The leaf first, then what links it to the roots, as PEM.
    fn sign(&self, request: SigningRequest) -> BoxFuture<'_, Result<String, SignerError>>;
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Asking again soon will not help.
    #[error("the CA refused: {reason}")]
    Refused { reason: String },
    #[error("the CA could not be reached or is busy: {reason}")]
    Unavailable { reason: String },
}
