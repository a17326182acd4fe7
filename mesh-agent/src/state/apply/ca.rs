use super::Write;
use crate::model::{CaConfig, CaProviderState, CaRoot};
use crate::state::{Refusal, Topic};
use std::sync::Arc;

impl Write<'_> {
    pub(super) fn set_ca(
        &mut self,
        expected: u64,
        mut config: CaConfig,
        mut roots: Vec<CaRoot>,
        provider: Option<CaProviderState>,
    ) -> Result<(), Refusal> {
        self.check_ca(expected, &roots)?;
        for root in &mut roots {
            self.stamp_root(root);
        }
        config.index = self.stamp(self.state.ca_config.as_ref().map(|c| c.index));
        self.state.ca_config = Some(Arc::new(config));
        self.state.ca_roots = Arc::new(roots);
        if let Some(provider) = provider {
            self.state.ca_provider = Some(Arc::new(provider));
        }
        self.touch(Topic::Ca);
        Ok(())
    }

    fn check_ca(&self, expected: u64, roots: &[CaRoot]) -> Result<(), Refusal> {
        let found = self.state.ca_index();
        if found != expected {
            return Err(Refusal::CaChanged { expected, found });
        }
        match roots.iter().filter(|root| root.active).count() {
            1 => Ok(()),
            found => Err(Refusal::ActiveRoots { found }),
        }
    }

    /// A root that stays as it is keeps its index.
    fn stamp_root(&self, root: &mut CaRoot) {
        let old = self.state.ca_roots.iter().find(|old| old.id == root.id);
        if let Some(old) = old {
            root.index = old.index;
        }
        if old != Some(root) {
            root.index = self.stamp(old.map(|old| old.index));
        }
    }
}
