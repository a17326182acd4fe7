use super::check::Pending;
use super::files::LeafFiles;
use super::trust::Trust;
use super::{CertSigner, LeafError, SigningRequest};
use crate::clock::Clock;
use crate::model::{IssuedCert, ServiceName};
use crate::pki::SpiffeId;
use crate::state::CaView;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The CA has so long to answer.
const SIGNER_TIMEOUT: Duration = Duration::from_secs(30);

/// What came of a job, and for which service.
pub(super) type Answer = (ServiceName, Result<IssuedCert, LeafError>);

/// One request to the CA, from key to file.
pub(super) struct Job {
    pub(super) identity: SpiffeId,
    pub(super) index: u64,
    pub(super) signer: Arc<dyn CertSigner>,
    pub(super) roots: watch::Receiver<CaView>,
    pub(super) files: Option<LeafFiles>,
    pub(super) clock: Clock,
}

impl Job {
    pub(super) async fn run(self) -> Answer {
        let service = self.identity.service.clone();
        (service, self.issue().await)
    }

    async fn issue(self) -> Result<IssuedCert, LeafError> {
        let pending = Pending::new(self.identity.clone())?;
        let chain_pem = self.ask(&pending).await?;
        let service = self.identity.service.clone();
        // The roots of now: they may have been rotated while the CA was asked.
        let trust = Trust::from_view(&self.roots.borrow());
        let trust = trust.ok_or(LeafError::NoRoots { service, seconds: 0 })?;
        let cert = pending.accept(&chain_pem, &trust, self.clock.now().seconds(), self.index)?;
        self.keep(&cert).await;
        Ok(cert)
    }

    async fn ask(&self, pending: &Pending) -> Result<String, LeafError> {
        let service = self.identity.service.clone();
        let request = SigningRequest { service: service.clone(), csr_pem: pending.csr_pem.clone() };
        match tokio::time::timeout(SIGNER_TIMEOUT, self.signer.sign(request)).await {
            Ok(answer) => answer.map_err(|source| LeafError::Signer { service, source }),
            Err(_) => Err(LeafError::Timeout { service, seconds: SIGNER_TIMEOUT.as_secs() }),
        }
    }

    /// A disk that fails costs a new certificate after a restart, and nothing now.
    async fn keep(&self, cert: &IssuedCert) {
        let Some(files) = self.files.clone() else { return };
        let kept = cert.clone();
        let saved = tokio::task::spawn_blocking(move || files.save(&kept)).await;
        let error = match saved {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(error, service = %cert.service, "the certificate could not be kept for a restart");
    }
}
