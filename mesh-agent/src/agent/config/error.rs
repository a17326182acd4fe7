use crate::wire::FieldError;
use crate::wire::decode::DecodeError;
use std::io;
use std::path::PathBuf;

/// Why an agent cannot start with its configuration, on one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    /// A file (or a flag, or a `-hcl` fragment) is not what configuration may be.
    #[error("{origin}: {source}")]
    Decode {
        origin: String,
        #[source]
        source: DecodeError,
    },
    /// A service or check in it is not valid.
    #[error("{origin}: {source}")]
    Definition {
        origin: String,
        #[source]
        source: FieldError,
    },
    /// All that was given, taken together, does not make an agent.
    #[error("{key}: {reason}")]
    Invalid { key: &'static str, reason: String },
    #[error("{reason}")]
    Flag { reason: String },
}

impl ConfigError {
    pub(super) fn invalid(key: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { key, reason: reason.into() }
    }
}

/// A key that has no effect here, though some version of Consul knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file, or how else the key was given.
    pub origin: String,
    pub key: String,
    pub reason: &'static str,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.key, self.reason)
    }
}
