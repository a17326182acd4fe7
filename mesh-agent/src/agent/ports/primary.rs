use crate::ca::{CaError, IntermediateSigner};
use crate::leader::{Primary, PrimaryState};
use crate::model::Datacenter;
use crate::peer::Federation;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The primary datacenter, through whichever of its servers live.
pub(in crate::agent) struct PrimaryDatacenter {
    pub name: Datacenter,
    pub federation: Arc<Federation>,
}

impl IntermediateSigner for PrimaryDatacenter {
    fn sign<'a>(&'a self, csr_pem: &'a str) -> BoxFuture<'a, Result<String, CaError>> {
        Box::pin(self.federation.sign_intermediate(&self.name, csr_pem))
    }
}

impl Primary for PrimaryDatacenter {
    fn fetch(&self, above: u64) -> BoxFuture<'_, Result<PrimaryState, String>> {
        Box::pin(self.federation.replicate(&self.name, above))
    }
}
