use crate::model::NodeName;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why something about the list of members did not work.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    #[error("a gossip key is 32 bytes in base64: make one with `mesh keygen`")]
    Key,
    #[error("the key is not installed: install it on every agent first, with `mesh keyring -install`")]
    KeyMissing,
    #[error("the key is the one in use: choose another with `mesh keyring -use` first")]
    KeyInUse,
    #[error("a keyring holds at most {most} keys: remove old ones with `mesh keyring -remove`")]
    TooManyKeys { most: usize },
    #[error("the {what} {path} is of no use: {source}; mend it or remove it", path = .path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "what node {name} tells of itself takes {found} bytes, want at most {most}: shorten its name and tags"
    )]
    MemberTooLarge { name: NodeName, found: usize, most: usize },
    #[error("gossip cannot listen on {bind}: {source}; choose another address or port (ports.serf_lan)")]
    Bind {
        bind: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no address found for {address:?}: {reason}")]
    Resolve { address: String, reason: String },
    #[error("{address} did not answer within {seconds} s: nothing listens there, or datagrams get lost")]
    NoAnswer { address: SocketAddr, seconds: u64 },
    #[error(
        "{address} cannot open what this agent sends: its gossip keys are others (`encrypt`, `mesh keyring`)"
    )]
    OtherKeys { address: SocketAddr },
    #[error("{address} refused: {reason}")]
    Refused { address: SocketAddr, reason: String },
    #[error("{address} is this agent itself")]
    Itself { address: SocketAddr },
    #[error("no member is called {name:?}: see `mesh members`")]
    NoSuchMember { name: String },
    #[error("an event of {found} bytes is too large, want at most {most}")]
    EventTooLarge { found: usize, most: usize },
    #[error("{count} of {of} members did not do it: {details}")]
    Keyring { count: usize, of: usize, details: String },
    #[error("this agent is leaving or has left")]
    Stopped,
}

impl GossipError {
    /// Nobody else was asked.
    pub fn is_itself(&self) -> bool {
        matches!(self, Self::Itself { .. })
    }
}
