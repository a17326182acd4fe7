use super::{RaftIndex, SessionId};
use bytes::Bytes;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// The name under which a value is stored. Slashes mean something to people only.
pub type Key = Arc<str>;

/// One stored value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KvEntry {
    pub key: Key,
    pub value: KvValue,
    /// Means something to clients only.
    pub flags: u64,
    /// How often the key was locked.
    pub lock_index: u64,
    /// Who holds the lock.
    pub session: Option<SessionId>,
    pub index: RaftIndex,
}

/// The bytes of a stored value. Clones share them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KvValue(pub Bytes);

impl KvValue {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for KvValue {
    /// Values may be secret and long: logs show how long alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KvValue({} bytes)", self.0.len())
    }
}

impl Serialize for KvValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for KvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = KvValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<KvValue, E> {
        Ok(KvValue(Bytes::copy_from_slice(bytes)))
    }
    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<KvValue, E> {
        Ok(KvValue(bytes.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<KvValue, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
        }
        Ok(KvValue(bytes.into()))
    }
}
