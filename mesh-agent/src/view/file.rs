use super::parcel::MOST;
use crate::state::{State, ViewChange};
use crate::whole_file;
use std::io::{self, Read};
use std::path::PathBuf;

/// The last view on disk: an agent that starts while no server answers goes on with what it knew.
pub struct ViewFile {
    path: PathBuf,
}

impl ViewFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What was saved. What cannot be read is as good as nothing, and said in the log.
    pub(super) fn load(&self) -> Option<ViewChange> {
        match self.read() {
            Ok(change) => Some(change),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%error, %path, "the kept view of the catalog cannot be read and is not used");
                None
            }
        }
    }

    fn read(&self) -> io::Result<ViewChange> {
        let mut bytes = Vec::new();
        std::fs::File::open(&self.path)?.take(MOST as u64).read_to_end(&mut bytes)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong");
        let (sum, change) = bytes.split_first_chunk().ok_or_else(damaged)?;
        if u32::from_le_bytes(*sum) != crc32c::crc32c(change) {
            return Err(damaged());
        }
        rmp_serde::from_slice(change).map_err(io::Error::other)
    }

    /// Whole or not at all, also when the machine stops in between.
    pub(super) async fn save(&self, state: &State) -> io::Result<()> {
        let change = ViewChange::between(&State::default(), state);
        let bytes = rmp_serde::to_vec_named(&change).map_err(io::Error::other)?;
        let content = [&crc32c::crc32c(&bytes).to_le_bytes()[..], &bytes].concat();
        let path = self.path.clone();
        let kept = tokio::task::spawn_blocking(move || whole_file::keep(&path, &content)).await;
        kept.map_err(io::Error::other)?
    }
}
