use crate::cli::client::{CaRoots, LeafCert};
use crate::pki::{SpiffeError, SpiffeId};
use crate::proxy::{IdentityFeed, TlsIdentity};
use crate::task::Shutdown;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::sync::watch;

/// Joins the agent's answers on roots and on a leaf into the identity that the proxy shows.
pub(super) struct IdentityJoin {
    roots: watch::Receiver<Option<CaRoots>>,
    leaf: watch::Receiver<Option<LeafCert>>,
    identity: watch::Sender<Option<Arc<TlsIdentity>>>,
}

/// Why the agent's answers make no identity.
#[derive(Debug, thiserror::Error)]
enum IdentityError {
    #[error("the {what} is no PEM: {source}")]
    Pem {
        what: &'static str,
        #[source]
        source: pem::Error,
    },
    #[error(transparent)]
    Uri(#[from] SpiffeError),
}

impl IdentityJoin {
    pub fn new(
        roots: watch::Receiver<Option<CaRoots>>,
        leaf: watch::Receiver<Option<LeafCert>>,
    ) -> (Self, IdentityFeed) {
        let (identity, feed) = watch::channel(None);
        (Self { roots, leaf, identity }, feed)
    }

    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            self.join();
            tokio::select! {
                Ok(()) = self.roots.changed() => {}
                Ok(()) = self.leaf.changed() => {}
                () = shutdown.begun() => return,
                else => return,
            }
        }
    }

    /// What cannot be read leaves the identity before in place.
    fn join(&mut self) {
        let roots = self.roots.borrow_and_update();
        let leaf = self.leaf.borrow_and_update();
        let (Some(roots), Some(leaf)) = (roots.as_ref(), leaf.as_ref()) else { return };
        match tls_identity(roots, leaf) {
            Ok(identity) => {
                tracing::info!(uri = %identity.id, roots = identity.roots.len(), "Parsed TLS identity");
                self.identity.send_replace(Some(Arc::new(identity)));
            }
            Err(error) => {
                tracing::error!(%error, "the agent's certificate cannot be used; keeping the one before");
            }
        }
    }
}

fn tls_identity(roots: &CaRoots, leaf: &LeafCert) -> Result<TlsIdentity, IdentityError> {
    let key = PrivateKeyDer::from_pem_slice(leaf.private_key_pem.as_bytes())
        .map_err(|source| IdentityError::Pem { what: "leaf's key", source })?;
    let mut trusted = Vec::new();
    for root in &roots.roots {
        trusted.extend(certificates(&root.root_cert_pem, "root certificate")?);
    }
    Ok(TlsIdentity {
        id: SpiffeId::parse(&leaf.service_uri)?,
        chain: certificates(&leaf.cert_pem, "leaf certificate")?,
        key,
        roots: trusted,
    })
}

fn certificates(text: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let parsed: Result<_, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    parsed.map_err(|source| IdentityError::Pem { what, source })
}
