use super::change::OutOfOrder;
use crate::raft::files::{Damage, FileError};
use std::path::PathBuf;

/// Why a log on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "the Raft log {} is damaged at byte {offset}: {found}. Acknowledged writes are in it, so that it is not cut. {REMEDY}",
        path.display()
    )]
    Damaged { path: PathBuf, offset: usize, found: String },
    #[error(
        "the Raft log {} holds a record at byte {offset} that this version cannot read: {source}. Start the version that wrote it, or a newer one",
        path.display()
    )]
    Unreadable {
        path: PathBuf,
        offset: usize,
        #[source]
        source: rmp_serde::decode::Error,
    },
    #[error("the Raft log {} is out of order at byte {offset}: {source}. {REMEDY}", path.display())]
    OutOfOrder {
        path: PathBuf,
        offset: usize,
        #[source]
        source: OutOfOrder,
    },
    #[error("the Raft log lacks {}, though later segments exist. {REMEDY}", path.display())]
    MissingSegment { path: PathBuf },
    #[error(
        "the Raft log in {} begins with entry {found}, where {expected} belongs. {REMEDY}",
        directory.display()
    )]
    MissingStart { directory: PathBuf, found: u64, expected: u64 },
    #[error("the Raft vote {} is damaged: {source}. {REMEDY}", path.display())]
    Vote {
        path: PathBuf,
        #[source]
        source: Damage,
    },
    #[error("the Raft vote {} cannot be read by this version: {reason}", path.display())]
    VoteVersion { path: PathBuf, reason: String },
    #[error("starting the thread that writes the Raft log: {source}; raise the limit of threads")]
    Thread {
        #[source]
        source: std::io::Error,
    },
}

const REMEDY: &str = "Restore the directory from a backup; or, if other servers hold the data, remove it and \
    let this server join them anew";
