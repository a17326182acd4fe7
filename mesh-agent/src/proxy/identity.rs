use crate::pki::SpiffeId;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::sync::watch;

/// What a service shows to its peers, and what it trusts.
#[derive(Debug)]
pub struct TlsIdentity {
    pub id: SpiffeId,
    /// The leaf first, then what links it to a root.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// The roots that peers' chains may end in.
    pub roots: Vec<CertificateDer<'static>>,
}

/// The current identity of one service; `None` until it has its first certificate.
pub type IdentityFeed = watch::Receiver<Option<Arc<TlsIdentity>>>;
