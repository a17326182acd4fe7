use super::{Meta, NameError, RaftIndex, ServiceName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The id of an intention.
pub type IntentionId = uuid::Uuid;

/// Whether a connection may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntentionAction {
    Allow,
    Deny,
}

impl IntentionAction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for IntentionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One side of an intention: a service, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IntentionTarget {
    Any,
    Service(ServiceName),
}

impl IntentionTarget {
    /// # Errors
    /// The name is neither `*` nor a service name; a partial wildcard such as `web*` is refused too.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text == "*" { Ok(Self::Any) } else { ServiceName::new(text).map(Self::Service) }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Service(name) => name.as_str(),
        }
    }

    /// Services that discovery does not tell apart, policy does not either: case is ignored.
    pub fn covers(&self, name: &ServiceName) -> bool {
        match self {
            Self::Any => true,
            Self::Service(own) => own.as_str().eq_ignore_ascii_case(name.as_str()),
        }
    }

    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

impl fmt::Display for IntentionTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may, or may not, connect to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intention {
    pub id: IntentionId,
    pub description: String,
    pub source: IntentionTarget,
    pub destination: IntentionTarget,
    pub action: IntentionAction,
    pub meta: Meta,
    /// Unix time in milliseconds.
    pub created_at: u64,
    /// Unix time in milliseconds.
    pub updated_at: u64,
    pub index: RaftIndex,
}

impl Intention {
    /// Consul's rank, higher wins: exact on both sides 9, exact destination 8, exact source 6, neither 5.
    pub fn precedence(&self) -> u8 {
        match (self.source.is_exact(), self.destination.is_exact()) {
            (true, true) => 9,
            (false, true) => 8,
            (true, false) => 6,
            (false, false) => 5,
        }
    }
}
