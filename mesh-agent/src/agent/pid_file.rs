use super::error::StartError;
use std::fs;
use std::path::{Path, PathBuf};

/// Says which process the agent is, for as long as it lives.
pub(super) struct PidFile(Option<PathBuf>);

impl PidFile {
    pub fn write(path: Option<&Path>) -> Result<Self, StartError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let failed = |source| StartError::File { what: "the pid file", path: path.to_owned(), source };
        fs::write(path, std::process::id().to_string()).map_err(failed)?;
        Ok(Self(Some(path.to_owned())))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may be gone already; a stale one is all that can be left behind.
        self.0.as_ref().map(fs::remove_file);
    }
}
