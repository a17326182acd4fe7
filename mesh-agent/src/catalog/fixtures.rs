//! A catalog for tests of the rooms above.

use super::{Catalog, Consensus, ConsensusError, Later};
use crate::state::{Command, Outcome, Store};
use std::sync::Arc;

/// One server that never fails to agree with itself; tests write to its store.
struct Alone;

impl Consensus for Alone {
    fn write(&self, _: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async { Err(ConsensusError::NoLeader) })
    }
    fn confirm_leadership(&self) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async { Ok(()) })
    }
    fn leader(&self) -> Option<String> {
        Some("127.0.0.1:8300".into())
    }
    fn peers(&self) -> Vec<String> {
        Vec::new()
    }
}

pub(crate) fn catalog_over(store: Arc<Store>) -> Catalog {
    Catalog::new(store, Arc::new(Alone))
}
