use super::Write;
use crate::model::AutopilotConfig;
use crate::state::{Refusal, Topic};
use std::sync::Arc;

impl Write<'_> {
    pub(super) fn set_autopilot(
        &mut self,
        mut config: AutopilotConfig,
        expected: Option<u64>,
    ) -> Result<(), Refusal> {
        let old = self.state.autopilot.as_ref().map(|config| config.index);
        let found = old.map_or(0, |index| index.modify);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(Refusal::AutopilotChanged { expected, found });
        }
        config.index = self.stamp(old);
        self.state.autopilot = Some(Arc::new(config));
        self.touch(Topic::Autopilot);
        Ok(())
    }
}
