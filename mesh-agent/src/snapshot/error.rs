use std::io;

/// Why bytes are no archive that can be restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the snapshot cannot be read ({source}): it is not a gzipped tar file, or was cut short")]
    Unreadable {
        #[source]
        source: io::Error,
    },
    #[error("the snapshot has no file {file:?}: it was made by something else, or was cut short")]
    Missing { file: &'static str },
    #[error("the snapshot has a file {file:?}, which none has that this program reads")]
    Unexpected { file: String },
    #[error("the checksum of {file} in the snapshot is wrong: the snapshot is damaged, take another copy")]
    Damaged { file: &'static str },
    #[error("the snapshot's meta.json cannot be read: {source}")]
    Meta {
        #[source]
        source: serde_json::Error,
    },
    #[error("the snapshot has layout {found}, and this program reads layout {want}: use a newer version")]
    Version { found: u64, want: u64 },
    #[error("{file} in the snapshot has more than {limit} bytes")]
    TooLarge { file: String, limit: u64 },
}

impl From<io::Error> for ArchiveError {
    fn from(source: io::Error) -> Self {
        Self::Unreadable { source }
    }
}
