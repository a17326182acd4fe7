use super::identity::TlsIdentity;
use crate::pki::{SpiffeError, SpiffeId, TrustDomain};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use std::sync::Arc;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Which check a peer's certificate did not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerifyError {
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("the certificate of {presented} is refused: {}", explain(.source))]
    Chain {
        presented: String,
        #[source]
        source: webpki::Error,
    },
    #[error("the certificate does not say what it is for (extended key usage)")]
    NoPurpose,
    #[error("a certificate must name exactly one URI, this one has {count}: {presented}")]
    Uris { count: usize, presented: String },
    #[error("the certificate does not name a service: {0}")]
    NotAService(#[from] SpiffeError),
    #[error("{presented} is of another trust domain than ours, {ours}")]
    TrustDomain { presented: SpiffeId, ours: TrustDomain },
    #[error("the instance shows the certificate of {presented}, expected {expected}")]
    OtherService { presented: SpiffeId, expected: SpiffeId },
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
    }
}

fn explain(error: &webpki::Error) -> String {
    use webpki::Error as E;
    match error {
        E::CertExpired { .. } => "it has expired".to_owned(),
        E::CertNotValidYet { .. } => "it is not valid yet".to_owned(),
        E::UnknownIssuer | E::InvalidSignatureForPublicKey => "none of our roots has signed it".to_owned(),
        E::CaUsedAsEndEntity => "it is an authority's, not a service's".to_owned(),
        E::EndEntityUsedAsCa => "it was signed by one that is no authority".to_owned(),
        E::RequiredEkuNotFoundContext(_) => "it is not meant for this role (extended key usage)".to_owned(),
        E::NameConstraintViolation => "an authority above it is of another trust domain".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What a certificate says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presented {
    pub id: SpiffeId,
    /// Lower-case hex joined by colons.
    pub serial: String,
}

/// Reads the one identity that a service's certificate has.
pub(super) fn read_identity(certificate: &CertificateDer<'_>) -> Result<Presented, VerifyError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| VerifyError::Unreadable)?;
    // webpki has checked the purposes, where there are any.
    if !matches!(parsed.extended_key_usage(), Ok(Some(_))) {
        return Err(VerifyError::NoPurpose);
    }
    let uris = uris(&parsed)?;
    let [uri] = uris[..] else {
        return Err(VerifyError::Uris { count: uris.len(), presented: listed(&uris) });
    };
    Ok(Presented { id: SpiffeId::parse(uri)?, serial: parsed.raw_serial_as_string() })
}

/// Every URI among the subject's alternative names. A name that cannot be read spoils the certificate: it
/// might be a second URI.
fn uris<'a>(certificate: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, VerifyError> {
    let names = certificate.subject_alternative_name().map_err(|_| VerifyError::Unreadable)?;
    let mut uris = Vec::new();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            GeneralName::Invalid(..) => return Err(VerifyError::Unreadable),
            _ => {}
        }
    }
    Ok(uris)
}

/// For messages: short, whatever the certificate holds.
fn listed(uris: &[&str]) -> String {
    uris.iter().take(4).map(|uri| uri.chars().take(128).collect()).collect::<Vec<String>>().join(" ")
}

/// Who presents this certificate, as far as it can be told, for messages.
fn presented(certificate: &CertificateDer<'_>) -> String {
    let parsed = X509Certificate::from_der(certificate).ok();
    let uris = parsed.as_ref().and_then(|(_, parsed)| uris(parsed).ok()).unwrap_or_default();
    if uris.is_empty() { "a peer without URI".to_owned() } else { listed(&uris) }
}

/// The part that both roles share: the chain.
#[derive(Debug)]
struct Chain {
    roots: RootCertStore,
    /// How authorities of our trust domain name themselves.
    domain: String,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Chain {
    fn new(identity: &TlsIdentity, provider: &CryptoProvider) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for root in &identity.roots {
            roots.add(root.clone())?;
        }
        let domain = format!("spiffe://{}", identity.id.trust_domain);
        Ok(Self { roots, domain, algorithms: provider.signature_verification_algorithms })
    }

    /// Signatures, validity and purpose up to one of our roots.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        purpose: KeyUsage,
    ) -> Result<(), VerifyError> {
        let certificate = EndEntityCert::try_from(leaf).map_err(|_| VerifyError::Unreadable)?;
        let (algorithms, roots) = (self.algorithms.all, &self.roots.roots);
        let ours = |path: &VerifiedPath<'_>| self.stays_in_our_domain(path);
        certificate
            .verify_for_usage(algorithms, roots, intermediates, now, purpose, None, Some(&ours))
            .map_err(|source| VerifyError::Chain { presented: presented(leaf), source })?;
        Ok(())
    }

    /// An intermediate that names itself as another trust domain's signs nothing for ours.
    fn stays_in_our_domain(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        let foreign = |uri: &str| uri.starts_with("spiffe://") && uri != self.domain;
        if path.intermediate_certificates().any(|between| between.valid_uri_names().any(foreign)) {
            Err(webpki::Error::NameConstraintViolation)
        } else {
            Ok(())
        }
    }
}

/// Accepts clients that are services of our trust domain, in whatever datacenter: policy decides among them.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    chain: Chain,
    ours: SpiffeId,
}

impl ClientVerifier {
    pub fn new(identity: &TlsIdentity, provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self { chain: Chain::new(identity, provider)?, ours: identity.id.clone() })
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), VerifyError> {
        self.chain.verify(leaf, intermediates, now, KeyUsage::client_auth())?;
        let presented = read_identity(leaf)?.id;
        if presented.trust_domain != self.ours.trust_domain {
            return Err(VerifyError::TrustDomain { presented, ours: self.ours.trust_domain.clone() });
        }
        Ok(())
    }
}

/// Accepts the one service that was asked for.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    chain: Chain,
    expected: SpiffeId,
}

impl ServerVerifier {
    pub fn new(identity: &TlsIdentity, expected: SpiffeId, provider: &CryptoProvider) -> Result<Self, Error> {
        Ok(Self { chain: Chain::new(identity, provider)?, expected })
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), VerifyError> {
        self.chain.verify(leaf, intermediates, now, KeyUsage::server_auth())?;
        let presented = read_identity(leaf)?.id;
        if presented == self.expected {
            Ok(())
        } else {
            Err(VerifyError::OtherService { presented, expected: self.expected.clone() })
        }
    }
}

macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, cert, signature, &self.chain.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, cert, signature, &self.chain.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.chain.algorithms.supported_schemes()
        }
    };
}

impl ClientCertVerifier for ClientVerifier {
    /// None: a client has one certificate for the mesh and needs no hint.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, now)?;
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, now)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}
