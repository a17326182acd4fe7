use super::{CheckId, NodeName, Opaque, RaftIndex, ServiceId, ServiceName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The state of a health check, worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    Passing,
    Warning,
    /// The default: a service is not healthy until a check has said so.
    #[default]
    Critical,
}

impl CheckStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// `passing`, `warning` or `critical`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Passing, Self::Warning, Self::Critical].into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The latest result of a check, of a node or of one service instance on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub node: NodeName,
    pub id: CheckId,
    pub name: String,
    pub status: CheckStatus,
    /// For people.
    pub notes: String,
    /// What the check last printed, capped by the runner.
    pub output: String,
    /// Absent for a check of the whole node.
    pub service_id: Option<ServiceId>,
    pub service_name: Option<ServiceName>,
    pub service_tags: Vec<String>,
    /// `http`, `tcp`, `ttl` … or empty.
    pub kind: String,
    /// The definition as registered, for clients that read it back.
    pub definition: Opaque,
    pub index: RaftIndex,
}

impl HealthCheck {
    /// Everything but the indexes is the same.
    pub fn same_as(&self, other: &Self) -> bool {
        Self { index: other.index, ..self.clone() } == *other
    }
}
