use std::io;
use std::time::Duration;

/// Why a request to an agent failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("cannot reach the agent at {address}: {reason}; is it running there? -http-addr names another")]
    Connect { address: String, reason: String },
    #[error("{method} {path} at {address} got no whole answer: {reason}")]
    Transfer { method: String, path: String, address: String, reason: String },
    #[error("{method} {path} at {address} was not answered within {}s", limit.as_secs())]
    TimedOut { method: String, path: String, address: String, limit: Duration },
    #[error("Unexpected response code: {status} ({body})")]
    Status { status: u16, body: String },
    #[error("{method} {path} was answered with more than {limit} bytes")]
    TooLarge { method: String, path: String, limit: usize },
    #[error("cannot make sense of the answer to {path}: {source}")]
    Decode {
        path: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("{path:?} with these parameters is not a request that can be sent: {reason}")]
    Request { path: String, reason: String },
    #[error("the token holds characters that no HTTP header can: check where it comes from")]
    Token,
    #[error("cannot use TLS file {path:?}: {reason}")]
    TlsFile { path: String, reason: String },
    #[error("cannot set up TLS: {reason}")]
    Tls { reason: String },
    #[error("cannot write what the agent sends: {source}")]
    Write {
        #[source]
        source: io::Error,
    },
}

impl ClientError {
    /// The status that the agent answered with, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}
