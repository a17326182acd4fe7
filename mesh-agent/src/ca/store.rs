use crate::model::{CaConfig, CaProviderState, CaRoot};
use crate::state::{CaView, Command, Refusal};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What the CA needs of the servers' replicated state.
pub trait CaStore: Send + Sync {
    /// Roots and configuration, as they are now.
    fn view(&self) -> CaView;
    /// The key that signs.
    fn provider(&self) -> Option<Arc<CaProviderState>>;
    /// Completes once the change is committed and shows in [`CaStore::view`].
    fn set(&self, change: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>>;
}

/// Everything that changes together, if nobody changed it meanwhile.
#[derive(Clone, Debug)]
pub struct CaChange {
    /// The index of the view that this was made from.
    pub expected: u64,
    pub config: CaConfig,
    pub roots: Vec<CaRoot>,
    /// `None` keeps the key.
    pub provider: Option<CaProviderState>,
}

impl From<CaChange> for Command {
    fn from(change: CaChange) -> Self {
        let CaChange { expected, config, roots, provider } = change;
        Self::SetCa { expected, config, roots, provider }
    }
}

/// Why a change was not stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CaStoreError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the change could not be committed: {reason}")]
    Unavailable { reason: String },
}

impl CaStoreError {
    /// Whether somebody else's change came first.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(Refusal::CaChanged { .. }))
    }
}
