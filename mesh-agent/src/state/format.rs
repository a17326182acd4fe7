use serde::{Deserialize, Serialize};

/// Which tables a snapshot can hold. A newer program reads older formats; a program that is older than a
/// snapshot refuses it, since it would drop the tables that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Format(u32);

/// Format 2 has stored values, sessions and prepared queries; format 3 autopilot's configuration and coordinates.
const CURRENT: u32 = 3;

impl Default for Format {
    fn default() -> Self {
        Self(CURRENT)
    }
}

impl Format {
    /// Of snapshots that do not say.
    pub(super) fn unsaid() -> Self {
        Self(1)
    }

    pub(super) fn check(self) -> Result<(), rmp_serde::decode::Error> {
        if self.0 <= CURRENT {
            return Ok(());
        }
        Err(serde::de::Error::custom(format!(
            "it has format {}, and this version knows formats up to {CURRENT}: start a newer version",
            self.0
        )))
    }
}
