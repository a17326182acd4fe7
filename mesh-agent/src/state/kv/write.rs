use crate::model::{Key, KvValue, SessionId};
use serde::{Deserialize, Serialize};

/// One change to stored values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KvWrite {
    pub key: Key,
    pub verb: KvVerb,
}

/// What to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KvVerb {
    Set {
        value: KvValue,
        flags: u64,
    },
    /// Only if the key was last changed at `index`; with 0, only if it does not exist.
    Cas {
        value: KvValue,
        flags: u64,
        index: u64,
    },
    /// Sets, and gives the session the lock, unless another holds it.
    Lock {
        value: KvValue,
        flags: u64,
        session: SessionId,
    },
    /// Sets, and takes the lock from the session, if that holds it.
    Unlock {
        value: KvValue,
        flags: u64,
        session: SessionId,
    },
    Delete,
    /// Only if the key was last changed at `index`.
    DeleteCas {
        index: u64,
    },
    /// All keys that begin like this one.
    DeleteTree,
}

impl KvWrite {
    /// Bytes of its key and its value.
    pub(in crate::state) fn weight(&self) -> usize {
        let value = match &self.verb {
            KvVerb::Set { value, .. }
            | KvVerb::Cas { value, .. }
            | KvVerb::Lock { value, .. }
            | KvVerb::Unlock { value, .. } => value.0.len(),
            KvVerb::Delete | KvVerb::DeleteCas { .. } | KvVerb::DeleteTree => 0,
        };
        self.key.len() + value
    }
}

/// One look at stored values inside a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KvRead {
    pub key: Key,
    pub verb: KvReadVerb,
}

/// What to find, or else the transaction fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KvReadVerb {
    Get,
    /// All keys that begin like this one, which may be none.
    GetTree,
    CheckIndex {
        index: u64,
    },
    CheckSession {
        session: SessionId,
    },
    CheckNotExists,
}
