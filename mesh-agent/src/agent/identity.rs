use crate::model::IssuedCert;
use crate::pki::{SpiffeError, SpiffeId};
use crate::proxy::{IdentityFeed, TlsIdentity};
use crate::state::CaView;
use crate::task::Shutdown;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio::sync::watch;

/// Why a leaf and the roots do not make an identity.
#[derive(Debug, thiserror::Error)]
pub(super) enum IdentityError {
    #[error("the {what} cannot be read as PEM: {source}")]
    Pem {
        what: &'static str,
        #[source]
        source: pem::Error,
    },
    #[error("the leaf's identity is not one of this mesh: {source}")]
    Uri {
        #[from]
        source: SpiffeError,
    },
}

/// What a service shows and trusts, made of its leaf and all roots that the mesh trusts now.
pub(super) fn tls_identity(leaf: &IssuedCert, ca: &CaView) -> Result<TlsIdentity, IdentityError> {
    let key = PrivateKeyDer::from_pem_slice(leaf.private_key_pem.as_bytes())
        .map_err(|source| IdentityError::Pem { what: "leaf's key", source })?;
    let mut roots = Vec::new();
    for root in ca.roots.iter() {
        roots.extend(certificates(&root.root_cert_pem, "root")?);
    }
    Ok(TlsIdentity {
        id: SpiffeId::parse(&leaf.service_uri)?,
        chain: certificates(&leaf.cert_pem, "leaf")?,
        key,
        roots,
    })
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|source| IdentityError::Pem { what, source })
}

/// Joins a leaf's feed and the roots' into the feed that the proxy reads.
pub(super) struct IdentityJoin {
    leaf: watch::Receiver<Option<Arc<IssuedCert>>>,
    ca: watch::Receiver<CaView>,
    identity: watch::Sender<Option<Arc<TlsIdentity>>>,
}

impl IdentityJoin {
    pub fn new(
        leaf: watch::Receiver<Option<Arc<IssuedCert>>>,
        ca: watch::Receiver<CaView>,
    ) -> (Self, IdentityFeed) {
        let (identity, feed) = watch::channel(None);
        (Self { leaf, ca, identity }, feed)
    }

    /// Ends with the last reader of the feed.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            self.join();
            tokio::select! {
                Ok(()) = self.leaf.changed() => {}
                Ok(()) = self.ca.changed() => {}
                () = self.identity.closed() => return,
                () = shutdown.begun() => return,
                else => return,
            }
        }
    }

    /// Without a leaf there is no identity; with one that cannot be read, the one before stays.
    fn join(&mut self) {
        let leaf = self.leaf.borrow_and_update().clone();
        let ca = self.ca.borrow_and_update().clone();
        match leaf.map(|leaf| tls_identity(&leaf, &ca)).transpose() {
            Ok(identity) => drop(self.identity.send_replace(identity.map(Arc::new))),
            Err(error) => {
                tracing::error!(%error, "a leaf certificate could not be used; keeping the one before");
            }
        }
    }
}
