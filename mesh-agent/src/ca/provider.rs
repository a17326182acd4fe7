use crate::model::{CaProviderState, Datacenter};
use crate::pki::{PkiError, PublicKey, RootInfo, SpiffeId, TrustDomain};
use futures_util::future::BoxFuture;

/// What a leaf certificate will say. Policy made it; of the request it holds only the key.
#[derive(Clone, Debug)]
pub struct LeafTemplate {
    pub identity: SpiffeId,
    pub public_key: PublicKey,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
}

/// What the certificate of a datacenter's own authority will say.
#[derive(Clone, Debug)]
pub struct IntermediateTemplate {
    pub trust_domain: TrustDomain,
    pub datacenter: Datacenter,
    pub public_key: PublicKey,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
}

/// Who holds the key of a root. The built-in one keeps it in the servers' state.
pub trait CaProvider: Send + Sync {
    /// The root that signs.
    fn root(&self) -> &RootInfo;

    /// What must be kept to have this provider again; `None` where the key is elsewhere.
    fn state(&self) -> Option<CaProviderState>;

    /// The certificate as PEM, signed directly by the root.
    fn sign<'a>(&'a self, leaf: &'a LeafTemplate) -> BoxFuture<'a, Result<String, ProviderError>>;

    /// The certificate as PEM of an authority that signs leaves and nothing else.
    fn sign_intermediate<'a>(
        &'a self,
        template: &'a IntermediateTemplate,
    ) -> BoxFuture<'a, Result<String, ProviderError>>;

    /// The other root's name and key in a certificate signed by this one, as PEM: who trusts only this
    /// root can then verify what the other signs. `not_before` is in Unix seconds.
    fn cross_sign<'a>(
        &'a self,
        other: &'a RootInfo,
        not_before: u64,
    ) -> BoxFuture<'a, Result<String, ProviderError>>;
}

/// Why a provider could not be had, or did not sign.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("the private key cannot be used: {reason}")]
    Key { reason: String },
    #[error("the private key does not belong to the root certificate {root}: give the two that match")]
    KeyMismatch { root: String },
    #[error("the root certificate cannot be used: {source}")]
    Root {
        #[from]
        source: PkiError,
    },
    #[error("the subject of root {root} cannot be written again exactly: use a root with a simple subject")]
    Subject { root: String },
    #[error("a certificate could not be signed: {reason}")]
    Sign { reason: String },
}

impl From<rcgen::Error> for ProviderError {
    fn from(error: rcgen::Error) -> Self {
        Self::Sign { reason: error.to_string() }
    }
}
