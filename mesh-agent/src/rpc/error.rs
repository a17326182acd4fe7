use std::net::SocketAddr;
use std::time::Duration;

/// Why a call to a peer failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcError {
    #[error("connecting to {peer}: {reason}; does a server of this cluster listen there?")]
    Connect { peer: SocketAddr, reason: String },
    #[error(
        "{peer} did not prove to be a server of this cluster, or did not take this node for a member: {reason}; do both have the same secret, or certificates of one authority?"
    )]
    Handshake { peer: SocketAddr, reason: String },
    #[error("{peer} was not reachable a moment ago ({reason}); it is tried again soon")]
    Resting { peer: SocketAddr, reason: String },
    /// The peer may have taken the call.
    #[error("{method} to {peer}: no answer within {waited:?}")]
    Deadline { peer: SocketAddr, method: &'static str, waited: Duration },
    /// The peer may have taken the call.
    #[error("{method} to {peer}: the connection broke: {reason}")]
    Broken { peer: SocketAddr, method: &'static str, reason: String },
    #[error("{method} to {peer}: the answer has more than {limit} bytes")]
    TooLarge { peer: SocketAddr, method: &'static str, limit: usize },
    #[error("{peer} refused {method}: {reason}")]
    Refused { peer: SocketAddr, method: &'static str, reason: String },
    #[error("{what} cannot be read: {reason}; is the peer of another version?")]
    Unreadable { what: &'static str, reason: String },
    #[error("this node is shutting down")]
    ShuttingDown,
}

impl RpcError {
    /// Whether the peer can have taken the call, so that to make it again could do it twice.
    pub fn may_have_been_taken(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Handshake { .. } | Self::Resting { .. } | Self::ShuttingDown => {
                false
            }
            Self::Deadline { .. }
            | Self::Broken { .. }
            | Self::TooLarge { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. } => true,
        }
    }

    /// Whether no connection to the peer could be had.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Handshake { .. } | Self::Resting { .. })
    }
}
