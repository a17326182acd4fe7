use serde::{Deserialize, Serialize};

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Meta {
    /// Of the layout: 1.
    pub version: u64,
    /// For people: the index and the time in Unix milliseconds.
    #[serde(rename = "ID")]
    pub id: String,
    /// The last write that the state holds.
    pub index: u64,
    /// Bytes of the state.
    pub size: u64,
}

impl Meta {
    /// The layout that this version writes and reads.
    pub const VERSION: u64 = 1;

    pub fn new(index: u64, unix_millis: u64, size: u64) -> Self {
        Self { version: Self::VERSION, id: format!("{index}-{unix_millis}"), index, size }
    }
}
