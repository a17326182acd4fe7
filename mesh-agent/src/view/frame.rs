use super::parcel::{MOST, ParcelError};
use crate::state::Behind;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a server tells a follower, again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub standing: Standing,
    /// `None` where nothing has changed: the server only says that it lives.
    pub part: Option<Part>,
}

/// How the server itself stands to the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The leader's address as `ip:port`, while one is known.
    pub leader: Option<String>,
    /// The addresses of all servers, as `ip:port`.
    pub servers: Vec<String>,
    /// Since the server heard of the leader.
    pub last_contact: Duration,
}

impl Standing {
    /// One that was heard of lately.
    pub fn has_leader(&self) -> bool {
        self.leader.is_some() && self.last_contact < Duration::from_secs(2)
    }
}

/// A piece of a change, which is whole with its last piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The change is all that there is, and not only what is new.
    pub whole: bool,
    pub last: bool,
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Why a frame was not taken. The connection that it came by is given up.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a server sent a change that cannot be read ({source}): it may be of another version")]
    Unreadable {
        #[source]
        source: rmp_serde::decode::Error,
    },
    #[error("a server sent a change of more than {MOST} bytes, which is more than this agent takes")]
    TooLong,
    #[error(transparent)]
    Behind(#[from] Behind),
}

impl From<ParcelError> for FrameError {
    fn from(error: ParcelError) -> Self {
        match error {
            ParcelError::TooLong => Self::TooLong,
            ParcelError::Unreadable(source) => Self::Unreadable { source },
        }
    }
}
