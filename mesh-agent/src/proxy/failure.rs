use super::config::NoConfig;
use super::counters::{Counters, add};
use super::handshake::HandshakeError;
use super::records::RecordError;
use crate::pki::SpiffeId;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

/// Why a connection was refused or ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("denied by policy: {reason}")]
    Denied { reason: String },
    #[error("cut, policy now denies it: {reason}")]
    Cut { reason: String },
    #[error("nobody was sent here through this connection: a process dialled the mesh's own listener")]
    Stranger,
    #[error("denied, the authorizer gave no answer in {seconds} s")]
    NoAnswer { seconds: u64 },
    #[error("{0}")]
    NoConfig(#[from] NoConfig),
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    #[error("the application does not answer on {address}: {source}; is it running?")]
    NoApp {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no healthy instance of the destination is known")]
    NoEndpoint,
    #[error("no instance of {destination} could be reached by {source_id}: {attempts}")]
    Unreachable { source_id: SpiffeId, destination: SpiffeId, attempts: Attempts },
    #[error("{0}")]
    Broken(#[from] RecordError),
    /// The address stands before it in [`Attempts`].
    #[error("it cannot be reached: {0}")]
    Dial(#[source] io::Error),
    #[error("the client gave up before the connection was made: {0}")]
    Abandoned(io::Error),
    #[error("the proxy could not set up a socket: {0}")]
    Socket(#[from] io::Error),
    #[error("the proxy is shutting down")]
    Drained,
    #[error("the proxy failed while it handled this connection; please report it")]
    Panicked,
}

/// One line's worth of failed attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts(pub Vec<(SocketAddr, Failure)>);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, failure)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{address}: {failure}")?;
        }
        Ok(())
    }
}

/// Whom a connection is from and where it goes, as far as is known.
pub(super) struct Parties<'a> {
    pub direction: &'static str,
    pub from: &'a dyn fmt::Display,
    pub to: &'a dyn fmt::Display,
    /// Equal lines that were not written before this one, where some were.
    pub left_out: Option<u64>,
}

impl Failure {
    /// One log line and one counter.
    pub fn report(&self, parties: &Parties<'_>, counters: &Counters) {
        self.count(counters);
        self.log(parties);
    }

    /// One more on the counter that it belongs to, if any.
    pub fn count(&self, counters: &Counters) {
        if let Some(counter) = self.counter(counters) {
            add(counter, 1);
        }
    }

    /// One log line.
    pub fn log(&self, parties: &Parties<'_>) {
        let Parties { direction, from, to, left_out } = parties;
        match self {
            Self::Panicked => tracing::error!(%from, %to, "{direction} connection reset: {self}"),
            Self::Handshake(HandshakeError::Silent)
            | Self::Broken(RecordError::Io(_))
            | Self::Abandoned(_)
            | Self::Drained => {
                tracing::debug!(%from, %to, "{direction} connection reset: {self}");
            }
            _ => tracing::warn!(%from, %to, left_out, "{direction} connection reset: {self}"),
        }
    }

    fn counter<'a>(&self, counters: &'a Counters) -> Option<&'a AtomicU64> {
        match self {
            Self::Denied { .. } | Self::NoAnswer { .. } => Some(&counters.denied),
            Self::Cut { .. } => Some(&counters.cut),
            Self::Stranger => Some(&counters.strangers),
            Self::NoConfig(_) => Some(&counters.without_identity),
            Self::Handshake(HandshakeError::Silent) => None,
            Self::Handshake(_) => Some(&counters.handshake_failures),
            Self::NoApp { .. } => Some(&counters.without_app),
            Self::NoEndpoint | Self::Unreachable { .. } => Some(&counters.without_endpoint),
            Self::Broken(RecordError::Truncated) => Some(&counters.truncated),
            Self::Broken(RecordError::KernelKeeps { .. }) => Some(&counters.ktls_retired),
            Self::Broken(_) | Self::Panicked => Some(&counters.broken),
            Self::Abandoned(_) | Self::Dial(_) | Self::Socket(_) | Self::Drained => None,
        }
    }
}
