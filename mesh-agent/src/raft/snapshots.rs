use super::files::{Damage, Directory, FileError, seal, unseal};
use super::stored::StoredMeta;
use super::types::{Snapshot, SnapshotMeta};
use bytes::{Buf, Bytes};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Why a snapshot could not be written, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("encoding the state for a snapshot: {source}")]
    Encode {
        #[source]
        source: rmp_serde::encode::Error,
    },
    #[error(
        "the snapshot holds a state that this version cannot read: {source}; was it written by a newer one?"
    )]
    Decode {
        #[source]
        source: rmp_serde::decode::Error,
    },
    #[error("the snapshot {} was written by another version: {reason}", path.display())]
    Version { path: PathBuf, reason: String },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the snapshot was interrupted by the end of the process")]
    Interrupted,
}

/// A state with how far it goes.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) meta: SnapshotMeta,
    /// As `State::snapshot` encodes it.
    pub(super) state: Bytes,
}

impl Image {
    pub(super) fn into_snapshot(self) -> Snapshot {
        Snapshot { meta: self.meta, snapshot: Box::new(Cursor::new(self.state.into())) }
    }
}

/// Where snapshots are kept.
pub(super) enum Snapshots {
    /// The newest one, for a server that keeps nothing.
    Memory(Mutex<Option<Image>>),
    /// In files whose names sort by age. They are not held in memory.
    Files { directory: Directory, kept: watch::Sender<Kept> },
}

/// Up to which index entries are in a snapshot on disk; nothing after one could not be kept.
pub(super) type Kept = Option<u64>;

/// Format 1 of a snapshot file.
const KIND: [u8; 8] = *b"MESHSNA1";
const SUFFIX: &str = ".snapshot";
/// The one before the newest stays, in case the disk damages the newest.
const KEPT: usize = 2;

impl Snapshots {
    pub(super) fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    pub(super) fn in_files(directory: Directory) -> Self {
        Self::Files { directory, kept: watch::Sender::new(Some(0)) }
    }

    /// Tells how far snapshots on disk go; nobody does of those in memory.
    pub(super) fn kept(&self) -> Option<watch::Receiver<Kept>> {
        match self {
            Self::Memory(_) => None,
            Self::Files { kept, .. } => Some(kept.subscribe()),
        }
    }

    /// Whether work on them keeps a thread so long that it wants one of its own: as with the log, but where a test's
    /// file system does not block.
    pub(super) fn block(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Files { directory, .. } => directory.blocks(),
        }
    }

    /// Keeps the image durably, and removes what is older than the ones to keep.
    pub(super) fn save(&self, image: Image) -> Result<(), SnapshotError> {
        match self {
            Self::Memory(newest) => {
                *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
                Ok(())
            }
            Self::Files { directory, kept } => {
                let saved = replace(directory, &image);
                kept.send_replace(saved.is_ok().then(|| index(&image.meta)));
                saved?;
                remove_old(directory)
            }
        }
    }

    /// The newest snapshot that is intact. Damaged ones are logged and passed over.
    pub(super) fn newest(&self) -> Result<Option<Image>, SnapshotError> {
        match self {
            Self::Memory(newest) => Ok(newest.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            Self::Files { directory, kept } => {
                let newest = newest_intact(directory)?;
                kept.send_replace(Some(newest.as_ref().map_or(0, |image| index(&image.meta))));
                Ok(newest)
            }
        }
    }
}

fn replace(directory: &Directory, image: &Image) -> Result<(), SnapshotError> {
    Ok(directory.replace(&file_name(&image.meta), &encode(image)?)?)
}

fn index(meta: &SnapshotMeta) -> u64 {
    meta.last_log_id.map_or(0, |id| id.index)
}

fn newest_intact(directory: &Directory) -> Result<Option<Image>, SnapshotError> {
    for name in names(directory)?.iter().rev() {
        let path = directory.path(name);
        let file = Bytes::from(directory.read(name)?);
        match unseal(KIND, &file) {
            Ok(content) => {
                let content = file.slice_ref(content);
                return decode(content).map(Some).map_err(|reason| SnapshotError::Version { path, reason });
            }
            Err(damage) => log_damage(&path, &damage),
        }
    }
    Ok(None)
}

fn log_damage(path: &Path, damage: &Damage) {
    tracing::error!(path = %path.display(), %damage, "a snapshot is damaged; the one before it is used");
}

/// Zero-padded, so that the order of names is the order of age.
fn file_name(meta: &SnapshotMeta) -> String {
    let (index, term) = meta.last_log_id.map_or((0, 0), |id| (id.index, id.leader_id.term));
    format!("{index:020}-{term:020}{SUFFIX}")
}

fn names(directory: &Directory) -> Result<Vec<String>, FileError> {
    let mut names = directory.names()?;
    names.retain(|name| name.ends_with(SUFFIX));
    Ok(names)
}

fn remove_old(directory: &Directory) -> Result<(), SnapshotError> {
    let names = names(directory)?;
    for old in &names[..names.len().saturating_sub(KEPT)] {
        directory.remove(old)?;
    }
    Ok(())
}

/// The length of the encoded meta, the meta, the state.
fn encode(image: &Image) -> Result<Vec<u8>, SnapshotError> {
    let meta = rmp_serde::to_vec_named(&StoredMeta::from(&image.meta));
    let meta = meta.map_err(|source| SnapshotError::Encode { source })?;
    let mut content = Vec::with_capacity(8 + meta.len() + image.state.len());
    content.extend_from_slice(&(meta.len() as u64).to_le_bytes());
    content.extend_from_slice(&meta);
    content.extend_from_slice(&image.state);
    Ok(seal(KIND, &content))
}

/// The content is intact here: what cannot be read is of another version.
fn decode(mut content: Bytes) -> Result<Image, String> {
    let length = content.try_get_u64_le().map_err(|e| e.to_string())?;
    if length > content.len() as u64 {
        return Err(format!("its meta data should have {length} bytes"));
    }
    let meta = content.split_to(length as usize);
    let meta: StoredMeta = rmp_serde::from_slice(&meta).map_err(|e| e.to_string())?;
    Ok(Image { meta: meta.into(), state: content })
}
