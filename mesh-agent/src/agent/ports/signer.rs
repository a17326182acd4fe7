use crate::ca::{CaError, CaManager, SignRequest};
use crate::leaf::{CertSigner, SignerError, SigningRequest};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Where this node is the leader, its leaves are signed by the CA next door.
pub(in crate::agent) struct LocalSigner {
    pub ca: Arc<CaManager>,
    /// Whom the requests count against.
    pub node: String,
}

impl CertSigner for LocalSigner {
    fn sign(&self, request: SigningRequest) -> BoxFuture<'_, Result<String, SignerError>> {
        Box::pin(async move {
            let SigningRequest { service, csr_pem } = &request;
            let request = SignRequest { csr_pem, service, requester: &self.node };
            let signed = self.ca.sign(request).await.map_err(|error| signer_error(&error))?;
            Ok(signed.chain.to_pem())
        })
    }
}

/// What is wrong with the request stays wrong; everything else may pass.
fn signer_error(error: &CaError) -> SignerError {
    let reason = error.to_string();
    match error {
        CaError::Request(_)
        | CaError::TrustDomain { .. }
        | CaError::Datacenter { .. }
        | CaError::Service { .. } => SignerError::Refused { reason },
        _ => SignerError::Unavailable { reason },
    }
}
