use super::authority::{ClusterAuthority, Issued, LIFE};
use super::{NodeRole, TrustError};
use crate::clock::Clock;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The certificate that this node shows, issued by itself and replaced before it nears its end.
pub(super) struct OwnCertificate {
    authority: ClusterAuthority,
    role: NodeRole,
    datacenter: String,
    id: Uuid,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    shown: Mutex<Shown>,
}

struct Shown {
    /// Unix seconds.
    since: u64,
    key: Arc<CertifiedKey>,
}

impl OwnCertificate {
    pub(super) fn new(
        authority: ClusterAuthority,
        role: NodeRole,
        datacenter: &str,
        id: Uuid,
        clock: Clock,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TrustError> {
        let since = clock.now();
        let issued = authority.issue(role, datacenter, id, since)?;
        let key = certified(issued, &provider)?;
        let shown = Mutex::new(Shown { since: since.seconds(), key });
        Ok(Self { authority, role, datacenter: datacenter.to_owned(), id, clock, provider, shown })
    }

    /// The one in use, or, after a third of its life, a new one.
    fn current(&self) -> Arc<CertifiedKey> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now.seconds().abs_diff(shown.since) >= LIFE.as_secs() / 3 {
            let issued = self.authority.issue(self.role, &self.datacenter, self.id, now);
            match issued.and_then(|issued| certified(issued, &self.provider)) {
                Ok(key) => *shown = Shown { since: now.seconds(), key },
                Err(error) => tracing::error!(%error, "the old certificate is shown as long as it is valid"),
            }
        }
        shown.key.clone()
    }
}

fn certified(issued: Issued, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TrustError> {
    let certified = CertifiedKey::from_der(vec![issued.certificate], issued.key, provider);
    certified.map(Arc::new).map_err(|error| TrustError::certificate("this node's own certificate", &error))
}

impl fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCertificate")
            .field("role", &self.role)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for OwnCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A certificate that the operator gave.
#[derive(Debug)]
pub(super) struct GivenCertificate(pub(super) Arc<CertifiedKey>);

impl ResolvesServerCert for GivenCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl ResolvesClientCert for GivenCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
