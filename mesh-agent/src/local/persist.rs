use super::LocalError;
use crate::model::{CheckDefinition, CheckId, ServiceDefinition, ServiceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Registrations on disk, a file each: `services/<digest of id>` and `checks/<digest of id>`.
pub(super) struct Shelf {
    directory: Option<PathBuf>,
}

impl Shelf {
    pub fn new(data_dir: Option<&Path>) -> Self {
        Self { directory: data_dir.map(Path::to_owned) }
    }

    pub fn services(&self) -> Vec<ServiceDefinition> {
        self.read_all("services")
    }

    pub fn checks(&self) -> Vec<CheckDefinition> {
        self.read_all("checks")
    }

    pub fn keep_service(&self, definition: &ServiceDefinition) -> Result<(), LocalError> {
        self.keep("services", definition.service.id.as_str(), definition)
    }

    pub fn keep_check(&self, definition: &CheckDefinition) -> Result<(), LocalError> {
        self.keep("checks", definition.id.as_str(), definition)
    }

    pub fn forget_service(&self, id: &ServiceId) -> Result<(), LocalError> {
        self.forget("services", id.as_str())
    }

    pub fn forget_check(&self, id: &CheckId) -> Result<(), LocalError> {
        self.forget("checks", id.as_str())
    }

    fn path(&self, kind: &str, id: &str) -> Option<PathBuf> {
        let digest = Sha256::digest(id).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // Writing to a String cannot fail.
            hex
        });
        self.directory.as_ref().map(|d| d.join(kind).join(digest))
    }

    fn keep(&self, kind: &str, id: &str, value: &impl Serialize) -> Result<(), LocalError> {
        let Some(path) = self.path(kind, id) else { return Ok(()) };
        let bytes = serde_json::to_vec_pretty(value).map_err(io::Error::from);
        let kept = bytes.and_then(|bytes| replace(&path, &bytes));
        kept.map_err(|source| LocalError::Persist { path, source })
    }

    fn forget(&self, kind: &str, id: &str) -> Result<(), LocalError> {
        let Some(path) = self.path(kind, id) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(LocalError::Persist { path, source })
            }
            _ => Ok(()),
        }
    }

    fn read_all<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let Some(directory) = self.directory.as_ref().map(|d| d.join(kind)) else { return Vec::new() };
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let mut files: Vec<_> =
            entries.map(|e| e.path()).filter(|p| p.extension().is_none() && p.is_file()).collect();
        files.sort();
        files.iter().filter_map(|path| read_one(path)).collect()
    }
}

/// A file that cannot be read is renamed, so that nothing is lost and it is said only once.
fn read_one<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let read = fs::read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
    read.inspect_err(|error| {
        let aside = path.with_extension("damaged");
        tracing::warn!(%error, ?path, ?aside, "a kept registration is damaged; set aside, register it again");
        if let Err(error) = fs::rename(path, &aside) {
            tracing::warn!(%error, ?path, "it could not be set aside");
        }
    })
    .ok()
}

/// The whole new content or the whole old one, whatever happens meanwhile.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(directory)?;
    let draft = path.with_extension("tmp");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}
