use super::{CaStoreError, LimitError, ProviderError, SettingsError};
use crate::model::{Datacenter, ServiceName};
use crate::pki::{PkiError, SpiffeId, TrustDomain};

/// Why the CA did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CaError {
    #[error("the CA has no root yet: wait until a leader has made one")]
    NotInitialised,
    #[error(
        "the CA's private key is missing from the state, so nothing can be signed: set its configuration again"
    )]
    KeyMissing,
    #[error("the certificate signing request was refused: {0}")]
    Request(#[from] PkiError),
    #[error("{identity} was refused: its trust domain is not {ours}")]
    TrustDomain { identity: SpiffeId, ours: TrustDomain },
    #[error("the request of an authority was refused: its trust domain is {found}, not {ours}")]
    OtherTrustDomain { found: TrustDomain, ours: TrustDomain },
    #[error("this datacenter's CA follows the primary's: change it there (primary_datacenter)")]
    Secondary,
    #[error("{identity} was refused: its datacenter is not {ours}")]
    Datacenter { identity: SpiffeId, ours: Datacenter },
    #[error("{identity} was refused: the caller may request a certificate for service {allowed} only")]
    Service { identity: SpiffeId, allowed: ServiceName },
    #[error(transparent)]
    Limited(#[from] LimitError),
    #[error("root {root} expired at {not_after} (Unix seconds): rotate to a new root")]
    RootExpired { root: String, not_after: u64 },
    #[error("{found} roots are trusted already: wait until leaves under the old ones have expired")]
    TooManyRoots { found: usize },
    #[error("the CA configuration was refused: {0}")]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A server said so, in its own words.
    #[error("{reason}")]
    Elsewhere { refused: bool, reason: String },
    #[error("the CA could not be changed: {0}")]
    Store(#[from] CaStoreError),
}
