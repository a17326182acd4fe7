use crate::raft::stored::{StoredEntry, StoredId};
use crate::raft::types::{Entry, LogId};
use crate::raft::window::Window;
use serde::{Deserialize, Serialize};

/// What one record does to the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Change {
    Append(StoredEntry),
    /// Removes the entries from this index on: another leader had other ones.
    Truncate {
        from: u64,
    },
    /// Removes the entries up to this one: a snapshot holds what they did.
    Purge {
        upto: StoredId,
    },
}

/// A change that does not fit the log before it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {found} follows entry {last}")]
pub struct OutOfOrder {
    pub found: u64,
    pub last: u64,
}

impl Change {
    pub(super) fn append(entry: &Entry) -> Self {
        Self::Append(entry.into())
    }

    pub(super) fn truncate(since: LogId) -> Self {
        Self::Truncate { from: since.index }
    }

    pub(super) fn purge(upto: LogId) -> Self {
        Self::Purge { upto: upto.into() }
    }

    /// With field names, so that fields added later have defaults.
    pub(super) fn encode(&self) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        rmp_serde::to_vec_named(self)
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        rmp_serde::from_slice(payload)
    }

    /// Does again, at the start, what record `sequence` with so many bytes did. The log's first entry may have
    /// any index: the purge that explains it can come later.
    pub(super) fn replay(self, sequence: u64, bytes: u64, window: &mut Window) -> Result<(), OutOfOrder> {
        match self {
            Self::Append(entry) => {
                let (found, last) = (entry.id.index, window.last_index());
                if let Some(last) = last.filter(|last| found != last + 1) {
                    return Err(OutOfOrder { found, last });
                }
                window.push(entry.into(), bytes, sequence);
            }
            Self::Truncate { from } => window.truncate(from),
            Self::Purge { upto } => window.purge(upto.into()),
        }
        Ok(())
    }
}
