use crate::model::{CheckId, CheckStatus};

/// One run of a check. A report of a run that was replaced meanwhile is recognised by it and dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) u64);

/// A check has this status now, and printed this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    pub check: CheckId,
    pub run: RunId,
    pub status: CheckStatus,
    pub output: String,
}

/// What a single probe found, before thresholds are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProbeResult {
    pub(super) status: CheckStatus,
    pub(super) output: String,
}

impl ProbeResult {
    pub(super) fn passing(output: impl Into<String>) -> Self {
        Self { status: CheckStatus::Passing, output: output.into() }
    }

    pub(super) fn warning(output: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warning, output: output.into() }
    }

    pub(super) fn critical(output: impl Into<String>) -> Self {
        Self { status: CheckStatus::Critical, output: output.into() }
    }
}
