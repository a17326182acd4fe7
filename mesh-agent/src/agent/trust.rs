use super::config::{RuntimeConfig, TrustConfig};
use super::error::StartError;
use crate::clock::Clock;
use crate::pki::cluster::{ClusterTls, JoinSecret, NodeRole, OwnCertificates, TrustError};
use crate::whole_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What other nodes of the cluster know this one by; nothing in development, where there are none.
///
/// # Errors
/// A file cannot be read or kept, what it holds is not usable, or a server that joins others has no secret.
pub(super) fn cluster_tls(config: &RuntimeConfig, id: Uuid) -> Result<Option<ClusterTls>, StartError> {
    let Some(data_dir) = config.data_dir.as_deref() else { return Ok(None) };
    let datacenter = config.node.datacenter.as_str();
    let role = if config.cluster.server { NodeRole::Server } else { NodeRole::Client };
    let tls = match &config.cluster.trust {
        TrustConfig::Files { authorities, certificate, key, .. } => {
            let given = OwnCertificates {
                authorities: read("ca_file", authorities)?,
                chain: read("cert_file", certificate)?,
                private_key: read("key_file", key)?,
                domain: config.dns.domains.first().cloned().unwrap_or_else(|| "consul".to_owned()),
            };
            ClusterTls::of_certificates(&given, datacenter)?
        }
        TrustConfig::Secret(given) => {
            let secret =
                secret(given.as_ref(), data_dir, config.cluster.server && config.cluster.expect == 1)?;
            ClusterTls::of_secret(&secret, role, datacenter, id, Clock::System)?
        }
    };
    Ok(Some(tls))
}

/// What all nodes of the cluster share, and seal their gossip with; nothing in development.
///
/// # Errors
/// As [`cluster_tls`].
pub(super) fn join_secret(config: &RuntimeConfig) -> Result<Option<JoinSecret>, StartError> {
    let Some(data_dir) = config.data_dir.as_deref() else { return Ok(None) };
    let (TrustConfig::Secret(given) | TrustConfig::Files { gossip: given, .. }) = &config.cluster.trust;
    let may_make = config.cluster.server && config.cluster.expect == 1;
    secret(given.as_ref(), data_dir, may_make).map(Some)
}

/// Where a secret is kept that was made here.
pub(super) fn secret_path(data_dir: &Path) -> PathBuf {
    data_dir.join("join-secret")
}

fn secret(given: Option<&JoinSecret>, data_dir: &Path, may_make: bool) -> Result<JoinSecret, StartError> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let path = secret_path(data_dir);
    match fs::read_to_string(&path) {
        Ok(text) => JoinSecret::parse(&text).map_err(|source| StartError::Secret { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => make(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StartError::NoSecret { path }),
        Err(source) => Err(StartError::File { what: "the join secret in", path, source }),
    }
}

fn make(path: PathBuf) -> Result<JoinSecret, StartError> {
    let secret = JoinSecret::generate()?;
    // A cluster whose secret is lost lets nobody in.
    match whole_file::keep(&path, format!("{}\n", secret.expose()).as_bytes()) {
        Ok(()) => Ok(secret),
        Err(source) => Err(StartError::File { what: "the join secret in", path, source }),
    }
}

fn read(what: &'static str, path: &Path) -> Result<String, StartError> {
    fs::read_to_string(path).map_err(|source| StartError::File { what, path: path.to_owned(), source })
}

impl From<TrustError> for StartError {
    fn from(source: TrustError) -> Self {
        Self::Trust(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_server_makes_a_secret_that_only_it_can_read_and_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let made = secret(None, directory.path(), true).unwrap();
        let mode = fs::metadata(secret_path(directory.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(secret(None, directory.path(), false).unwrap(), made);
        let given = JoinSecret::parse("MDEyMzQ1Njc4OWFiY2RlZg==").unwrap();
        assert_eq!(secret(Some(&given), directory.path(), true).unwrap(), given);
    }

    #[test]
    fn who_joins_others_needs_their_secret_and_a_damaged_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let error = secret(None, directory.path(), false).unwrap_err().to_string();
        assert!(error.contains("encrypt") && error.contains("join-secret"), "{error}");
        fs::write(secret_path(directory.path()), "garbage").unwrap();
        let error = secret(None, directory.path(), true).unwrap_err().to_string();
        assert!(error.contains("join-secret") && !error.contains("garbage"), "{error}");
    }
}
