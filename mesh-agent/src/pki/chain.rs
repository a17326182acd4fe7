use super::pem::sections;
use super::{LeafInfo, PkiError, certificate_to_pem};
use rustls_pki_types::CertificateDer;

/// Certificates in one chain, at most.
pub const MAX_CHAIN: usize = 10;
/// Bytes of PEM that are read, at most.
pub(super) const MAX_CHAIN_BYTES: usize = 64 * 1024;

/// A service's certificate, then the intermediates towards a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertChain {
    leaf: LeafInfo,
    certificates: Vec<CertificateDer<'static>>,
}

impl CertChain {
    /// # Errors
    /// Too large, not PEM, empty, or its first certificate is not a service's.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        Self::from_ders(sections("certificate chain", pem.as_bytes(), MAX_CHAIN_BYTES)?)
    }

    /// # Errors
    /// Empty, too long, or its first certificate is not a service's.
    pub fn from_ders(certificates: Vec<CertificateDer<'static>>) -> Result<Self, PkiError> {
        let found = certificates.len();
        let count = PkiError::Count { what: "CERTIFICATE", found, wanted: "1 to 10, the service's first" };
        let leaf = match certificates.first() {
            Some(first) if found <= MAX_CHAIN => LeafInfo::from_der(first)?,
            _ => return Err(count),
        };
        Ok(Self { leaf, certificates })
    }

    pub fn leaf(&self) -> &LeafInfo {
        &self.leaf
    }

    /// The leaf first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    pub fn to_pem(&self) -> String {
        self.certificates.iter().map(|c| certificate_to_pem(c)).collect()
    }
}
