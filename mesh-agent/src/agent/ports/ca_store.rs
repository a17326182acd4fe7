use crate::ca::{CaChange, CaStore, CaStoreError};
use crate::catalog::{Catalog, CatalogError};
use crate::model::CaProviderState;
use crate::state::{CaView, GetCa, Query};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The CA keeps its roots and its key in the replicated state.
pub(in crate::agent) struct CatalogCaStore(pub Catalog);

impl CaStore for CatalogCaStore {
    fn view(&self) -> CaView {
        GetCa.run(&self.0.state())
    }

    fn provider(&self) -> Option<Arc<CaProviderState>> {
        self.0.state().ca_provider().cloned()
    }

    fn set(&self, change: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>> {
        Box::pin(async move {
            match self.0.write(change.into()).await {
                Ok(_) => Ok(()),
                Err(CatalogError::Refused(refusal)) => Err(refusal.into()),
                Err(CatalogError::Consensus(error)) => {
                    Err(CaStoreError::Unavailable { reason: error.to_string() })
                }
            }
        })
    }
}
