use crate::model::{IssuedCert, ServiceName};
use crate::whole_file;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A kept certificate is refused unread above this.
const MAX_BYTES: u64 = 128 * 1024;
const SUFFIX: &str = "json";

/// Certificates with their keys, a file each, for their owner alone.
#[derive(Clone, Debug)]
pub(super) struct LeafFiles {
    directory: PathBuf,
}

impl LeafFiles {
    /// Makes the directory if need be; nobody else may look into it.
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        Ok(Self { directory })
    }

    /// Everything that can be read, at most `limit`. What cannot is removed, with a line in the log.
    pub(super) fn load(&self, limit: usize) -> Vec<IssuedCert> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries.filter_map(Result::ok).map(|e| e.path()),
            Err(error) => {
                tracing::warn!(%error, directory = %self.directory.display(), "kept certificates cannot be listed");
                return Vec::new();
            }
        };
        entries.filter_map(|path| self.read_or_remove(&path)).take(limit).collect()
    }

    fn read_or_remove(&self, path: &Path) -> Option<IssuedCert> {
        match read(path) {
            Ok(cert) if self.path(&cert.service) == path => return Some(cert),
            Ok(_) => tracing::warn!(path = %path.display(), "removing a kept certificate under a wrong name"),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "removing a kept certificate that cannot be read");
            }
        }
        remove(path);
        None
    }

    /// Whole or not at all, also when the machine stops in between.
    pub(super) fn save(&self, cert: &IssuedCert) -> io::Result<()> {
        whole_file::keep(&self.path(&cert.service), &serde_json::to_vec(cert)?)
    }

    pub(super) fn remove(&self, service: &ServiceName) {
        remove(&self.path(service));
    }

    /// A digest of the name: service names may be longer than file names.
    fn path(&self, service: &ServiceName) -> PathBuf {
        let digest = Sha256::digest(service.as_str());
        let name: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        self.directory.join(name).with_extension(SUFFIX)
    }
}

fn read(path: &Path) -> io::Result<IssuedCert> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a kept certificate could not be removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RaftIndex;

    fn cert(service: &str) -> IssuedCert {
        IssuedCert {
            service: ServiceName::new(service).unwrap(),
            service_uri: String::new(),
            serial_number: String::new(),
            cert_pem: String::new(),
            private_key_pem: "key".into(),
            valid_after: 1,
            valid_before: 2,
            root_id: String::new(),
            index: RaftIndex::default(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_only_the_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("leaf");
        let files = LeafFiles::open(directory.clone()).unwrap();
        let long = "x".repeat(255);
        for service in ["web", "Web", &long] {
            files.save(&cert(service)).unwrap();
            files.save(&cert(service)).unwrap();
        }
        let mut found: Vec<String> = files.load(9).iter().map(|c| c.service.to_string()).collect();
        found.sort();
        assert_eq!(found, ["Web", "web", &long]);
        assert_eq!(files.load(2).len(), 2);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        for file in fs::read_dir(&directory).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
        files.remove(&ServiceName::new("web").unwrap());
        assert_eq!(files.load(9).len(), 2);
    }

    #[test]
    fn an_open_directory_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        LeafFiles::open(dir.path().to_owned()).unwrap();
        assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_cannot_be_read_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let files = LeafFiles::open(dir.path().to_owned()).unwrap();
        files.save(&cert("web")).unwrap();
        let good = files.path(&ServiceName::new("web").unwrap());
        let text = fs::read(&good).unwrap();
        fs::write(dir.path().join("half.json"), &text[..text.len() / 2]).unwrap();
        fs::write(dir.path().join("other.json"), &text).unwrap();
        fs::write(dir.path().join("left.tmp"), "").unwrap();
        fs::write(dir.path().join("huge.json"), vec![b' '; 1 << 20]).unwrap();
        assert_eq!(files.load(9).len(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
