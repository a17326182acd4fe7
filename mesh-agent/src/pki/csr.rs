use super::certificate::only_uri;
use super::pem::{check_size, sections};
use super::{PkiError, PublicKey, SpiffeId};
use rustls_pki_types::CertificateSigningRequestDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;

/// A request is refused unread above this.
pub const MAX_CSR_BYTES: usize = 64 * 1024;

const WHAT: &str = "certificate signing request";

/// A request for a leaf certificate whose sender has shown that it holds the private key.
///
/// Nothing else of what it asks for is kept: what a certificate says is decided by who signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    identity: SpiffeId,
    public_key: PublicKey,
}

impl Csr {
    /// # Errors
    /// It is not exactly one PEM section, or [`Csr::from_der`] refuses it.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        Self::from_der(&one_request(pem)?)
    }

    /// # Errors
    /// Too large, malformed, not signed by its own key, a weak key, asking to be an authority, or its
    /// subject alternative names are not one service identity and nothing else.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let (request, public_key) = proven(der)?;
        let extensions = extensions(&request);
        refuse_authority(&extensions)?;
        Ok(Self { identity: only_uri(&extensions, true)?, public_key })
    }

    pub fn identity(&self) -> &SpiffeId {
        &self.identity
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// The one request in a PEM.
pub(super) fn one_request(pem: &str) -> Result<CertificateSigningRequestDer<'static>, PkiError> {
    let mut requests: Vec<CertificateSigningRequestDer<'static>> =
        sections(WHAT, pem.as_bytes(), MAX_CSR_BYTES)?;
    match (requests.len(), requests.pop()) {
        (1, Some(request)) => Ok(request),
        (found, _) => Err(PkiError::Count { what: "CERTIFICATE REQUEST", found, wanted: "exactly one" }),
    }
}

/// A request that is signed by its own key, and that key.
pub(super) fn proven(der: &[u8]) -> Result<(X509CertificationRequest<'_>, PublicKey), PkiError> {
    check_size(WHAT, der, MAX_CSR_BYTES)?;
    let (rest, request) = X509CertificationRequest::from_der(der)
        .map_err(|e| PkiError::NotDer { what: WHAT, reason: e.to_string() })?;
    if !rest.is_empty() {
        return Err(PkiError::NotDer { what: WHAT, reason: "bytes follow it".into() });
    }
    // The key first: a signature by a weak key proves little, and costs the more the larger the key is.
    let public_key = PublicKey::new(&request.certification_request_info.subject_pki)?;
    request.verify_signature().map_err(|_| PkiError::ProofOfPossession)?;
    Ok((request, public_key))
}

/// Those of every extension attribute: a second attribute could hide a second name.
pub(super) fn extensions<'a>(request: &'a X509CertificationRequest<'a>) -> Vec<&'a X509Extension<'a>> {
    let attributes = request.certification_request_info.iter_attributes();
    let requests = attributes.filter_map(|a| match a.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(request) => Some(&request.extensions),
        _ => None,
    });
    requests.flatten().collect()
}

fn refuse_authority(extensions: &[&X509Extension<'_>]) -> Result<(), PkiError> {
    let asks = |e: &&&X509Extension<'_>| matches!(e.parsed_extension(), ParsedExtension::BasicConstraints(b) if b.ca);
    match extensions.iter().find(asks) {
        Some(_) => Err(PkiError::Authority { what: "the request" }),
        None => Ok(()),
    }
}
