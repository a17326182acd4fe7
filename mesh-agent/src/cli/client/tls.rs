//! TLS to an agent's HTTPS port.

use super::config::TlsFiles;
use super::error::ClientError;
use crate::pki::AnyServer;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Where distributions keep the authorities that a host trusts.
const SYSTEM_AUTHORITIES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The connector, and the name that the agent's certificate must bear.
pub(super) fn connector(
    authority: &str,
    files: &TlsFiles,
) -> Result<(TlsConnector, ServerName<'static>), ClientError> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = files.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| ClientError::Tls { reason: format!("{host:?} is no server name: {error}") })?;
    Ok((TlsConnector::from(Arc::new(client_config(files)?)), name))
}

fn client_config(files: &TlsFiles) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| ClientError::Tls { reason: error.to_string() })?;
    let builder = if files.verify {
        builder.with_root_certificates(roots(files)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
    };
    match (&files.client_cert, &files.client_key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| file_error(cert, error)),
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(ClientError::Tls { reason: "-client-cert and -client-key go together".to_owned() }),
    }
}

fn roots(files: &TlsFiles) -> Result<RootCertStore, ClientError> {
    let mut store = RootCertStore::empty();
    for file in authority_files(files)? {
        let (added, _) = store.add_parsable_certificates(certificates(&file)?);
        if added == 0 {
            return Err(file_error(&file, "it holds no certificate"));
        }
    }
    Ok(store)
}

fn authority_files(files: &TlsFiles) -> Result<Vec<PathBuf>, ClientError> {
    let mut found: Vec<PathBuf> = files.ca_file.iter().cloned().collect();
    if let Some(directory) = &files.ca_path {
        let entries = std::fs::read_dir(directory).map_err(|error| file_error(directory, error))?;
        found.extend(entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()));
    }
    if found.is_empty() {
        found.extend(SYSTEM_AUTHORITIES.iter().map(PathBuf::from).find(|path| path.exists()));
    }
    Ok(found)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let parsed = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    parsed.map_err(|error| file_error(path, error))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ClientError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error(path, error))
}

fn file_error(path: &Path, reason: impl std::fmt::Display) -> ClientError {
    ClientError::TlsFile { path: path.display().to_string(), reason: reason.to_string() }
}
