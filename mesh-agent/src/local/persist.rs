use super::LocalError;
use crate::clock::Timestamp;
use crate::model::{CheckDefinition, CheckId, CheckStatus, ServiceDefinition, ServiceId};
use crate::whole_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Registrations on disk, a file each: `services/<digest of id>`, `checks/<digest of id>`, and what
/// services last said of themselves in `checks/state/<digest of id>`.
pub(super) struct Shelf {
    directory: Option<PathBuf>,
}

/// What a service last reported through its TTL check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TtlState {
    pub check: CheckId,
    pub status: CheckStatus,
    pub output: String,
    /// Unix milliseconds.
    pub expires_at: u64,
}

/// The ports of derived proxies, by service id.
pub(super) type ProxyPorts = BTreeMap<ServiceId, u16>;

const SERVICES: &str = "services";
const CHECKS: &str = "checks";
const STATES: &str = "checks/state";
const PORTS: &str = "proxy-ports";

/// How a file is kept, which may cost a disk's round trip.
type Keep = fn(&Path, &[u8]) -> io::Result<()>;

impl Shelf {
    pub fn new(data_dir: Option<&Path>) -> Self {
        Self { directory: data_dir.map(Path::to_owned) }
    }

    pub fn services(&self) -> Vec<ServiceDefinition> {
        self.read_all(SERVICES)
    }

    pub fn checks(&self) -> Vec<CheckDefinition> {
        self.read_all(CHECKS)
    }

    /// The reports that are still good; files of the others go.
    pub fn ttl_states(&self, now: Timestamp) -> BTreeMap<CheckId, TtlState> {
        let (good, over): (Vec<TtlState>, Vec<_>) =
            self.read_all(STATES).into_iter().partition(|s: &TtlState| s.expires_at > now.millis());
        for state in over {
            self.forget_ttl_state(&state.check);
        }
        good.into_iter().map(|state| (state.check.clone(), state)).collect()
    }

    pub fn proxy_ports(&self) -> ProxyPorts {
        let path = self.directory.as_ref().map(|d| d.join(PORTS)).filter(|p| p.exists());
        path.and_then(|path| read_one(&path)).unwrap_or_default()
    }

    pub fn keep_service(&self, definition: &ServiceDefinition) -> Result<(), LocalError> {
        self.keep(self.path(SERVICES, definition.service.id.as_str()), definition, whole_file::keep)
    }

    pub fn keep_check(&self, definition: &CheckDefinition) -> Result<(), LocalError> {
        self.keep(self.path(CHECKS, definition.id.as_str()), definition, whole_file::keep)
    }

    /// Without the disk's round trip: services report often, and report again.
    pub fn keep_ttl_state(&self, state: &TtlState) -> Result<(), LocalError> {
        self.keep(self.path(STATES, state.check.as_str()), state, whole_file::keep_cheaply)
    }

    pub fn keep_proxy_ports(&self, ports: &ProxyPorts) -> Result<(), LocalError> {
        self.keep(self.directory.as_ref().map(|d| d.join(PORTS)), ports, whole_file::keep)
    }

    pub fn forget_service(&self, id: &ServiceId) -> Result<(), LocalError> {
        self.forget(SERVICES, id.as_str())
    }

    pub fn forget_check(&self, id: &CheckId) -> Result<(), LocalError> {
        self.forget_ttl_state(id);
        self.forget(CHECKS, id.as_str())
    }

    /// One that stays is found expired later.
    fn forget_ttl_state(&self, id: &CheckId) {
        if let Err(error) = self.forget(STATES, id.as_str()) {
            tracing::warn!(%error, check = %id, "what the check's service last said stays on disk");
        }
    }

    fn path(&self, kind: &str, id: &str) -> Option<PathBuf> {
        let digest = Sha256::digest(id).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // Writing to a String cannot fail.
            hex
        });
        self.directory.as_ref().map(|d| d.join(kind).join(digest))
    }

    fn keep(&self, path: Option<PathBuf>, value: &impl Serialize, keep: Keep) -> Result<(), LocalError> {
        let Some(path) = path else { return Ok(()) };
        let bytes = serde_json::to_vec_pretty(value).map_err(io::Error::from);
        let kept = bytes.and_then(|bytes| {
            whole_file::make_directory_of(&path)?;
            keep(&path, &bytes)
        });
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
        let aside = aside(path);
        tracing::warn!(%error, ?path, ?aside, "a kept registration is damaged; set aside, register it again");
        if let Err(error) = fs::rename(path, &aside) {
            tracing::warn!(%error, ?path, "it could not be set aside");
        }
    })
    .ok()
}

/// A name that no earlier damage took.
fn aside(path: &Path) -> PathBuf {
    let numbered = (1..1000).map(|n| path.with_extension(format!("damaged-{n}")));
    let mut names = std::iter::once(path.with_extension("damaged")).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| path.with_extension("damaged"))
}
