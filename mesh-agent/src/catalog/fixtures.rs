//! A catalog for tests of this room and the ones above it.

use super::{Catalog, Consensus, ConsensusError, Consistency, Later};
use crate::state::{Command, Outcome, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The address under which the one server is known.
pub(crate) const SERVER: &str = "127.0.0.1:8300";

/// One server that agrees with itself at once, unless the test deposes it.
pub(crate) struct OneVoter {
    store: Arc<Store>,
    index: AtomicU64,
    leads: AtomicBool,
    asked: AtomicU64,
}

impl OneVoter {
    pub(crate) fn new(store: Arc<Store>) -> Arc<Self> {
        let (index, asked) = (AtomicU64::new(10), AtomicU64::new(0));
        Arc::new(Self { store, index, leads: AtomicBool::new(true), asked })
    }

    pub(crate) fn elect(&self, leads: bool) {
        self.leads.store(leads, Relaxed);
    }

    /// How many writes it was asked for, the refused ones too.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Relaxed)
    }

    fn led(&self) -> Result<(), ConsensusError> {
        self.leads.load(Relaxed).then_some(()).ok_or(ConsensusError::NoLeader)
    }

    fn apply(&self, command: Command) -> Result<Outcome, ConsensusError> {
        self.asked.fetch_add(1, Relaxed);
        self.led()?;
        let index = self.index.fetch_add(1, Relaxed) + 1;
        Ok(self.store.apply(index, vec![command]).remove(0))
    }
}

impl Consensus for OneVoter {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        Box::pin(async { self.apply(command) })
    }
    fn catch_up(&self, consistency: Consistency) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async move { if consistency == Consistency::Stale { Ok(()) } else { self.led() } })
    }
    fn leader(&self) -> Option<String> {
        self.led().ok().map(|()| SERVER.to_owned())
    }
    fn peers(&self) -> Vec<String> {
        vec![SERVER.to_owned()]
    }
    fn last_contact(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

pub(crate) fn catalog_over(store: Arc<Store>) -> Catalog {
    Catalog::new(store.clone(), OneVoter::new(store))
}
