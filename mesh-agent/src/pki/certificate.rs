use super::{PkiError, PublicKey, SpiffeId, certificate_to_pem, colon_hex};
use aws_lc_rs::digest;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// What a service's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafInfo {
    pub identity: SpiffeId,
    /// Lower-case hex, colon-separated.
    pub serial_number: String,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// Lower-case hex, colon-separated; empty where the certificate has none.
    pub subject_key_id: String,
    /// The key id of who signed it, in the same form.
    pub authority_key_id: String,
    pub public_key: PublicKey,
}

impl LeafInfo {
    /// # Errors
    /// Malformed, an authority, a weak key, or not exactly one URI that is a service's identity.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let certificate = parse("certificate", der)?;
        if certificate.is_ca() {
            return Err(PkiError::Authority { what: "the certificate" });
        }
        let extensions: Vec<_> = certificate.iter_extensions().collect();
        let (not_before, not_after) = validity(&certificate);
        Ok(Self {
            identity: only_uri(&extensions, false)?,
            serial_number: colon_hex(certificate.raw_serial()),
            not_before,
            not_after,
            subject_key_id: key_id(&certificate).unwrap_or_default(),
            authority_key_id: authority_key_id(&certificate).unwrap_or_default(),
            public_key: PublicKey::new(certificate.public_key())?,
        })
    }
}

/// What a root's or an intermediate's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootInfo {
    /// The SHA-1 fingerprint, by which clients name roots: lower-case hex, colon-separated.
    pub id: String,
    /// The certificate alone, as PEM.
    pub pem: String,
    pub der: Vec<u8>,
    /// Low 64 bits.
    pub serial: u64,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// The subject key id; that of an authority without one is the fingerprint of its public key.
    pub signing_key_id: String,
    /// The key id of who signed it; empty where the certificate has none.
    pub authority_key_id: String,
    pub public_key: PublicKey,
    /// The DER of its subject, which the issuer field of what it signs must equal.
    pub subject: Vec<u8>,
}

impl RootInfo {
    /// # Errors
    /// Malformed, a weak key, or not allowed to sign certificates.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let certificate = parse("root certificate", der)?;
        may_sign(&certificate)?;
        let (not_before, not_after) = validity(&certificate);
        let public_key = PublicKey::new(certificate.public_key())?;
        Ok(Self {
            id: fingerprint(der),
            pem: certificate_to_pem(der),
            der: der.to_vec(),
            serial: low_64_bits(certificate.raw_serial()),
            not_before,
            not_after,
            signing_key_id: key_id(&certificate).unwrap_or_else(|| fingerprint(public_key.spki())),
            authority_key_id: authority_key_id(&certificate).unwrap_or_default(),
            public_key,
            subject: certificate.subject().as_raw().to_vec(),
        })
    }

    /// # Errors
    /// Not exactly one certificate, or [`RootInfo::from_der`] refuses it.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let found: Vec<rustls_pki_types::CertificateDer<'_>> =
            super::pem::sections("root certificate", pem.as_bytes(), super::chain::MAX_CHAIN_BYTES)?;
        match &found[..] {
            [one] => Self::from_der(one),
            _ => Err(PkiError::Count { what: "CERTIFICATE", found: found.len(), wanted: "exactly one" }),
        }
    }
}

fn parse<'a>(what: &'static str, der: &'a [u8]) -> Result<X509Certificate<'a>, PkiError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(PkiError::NotDer { what, reason: "bytes follow it".into() }),
        Err(e) => Err(PkiError::NotDer { what, reason: e.to_string() }),
    }
}

fn may_sign(certificate: &X509Certificate<'_>) -> Result<(), PkiError> {
    let refuse = |reason: &str| Err(PkiError::NotAnAuthority { reason: reason.into() });
    if !certificate.is_ca() {
        return refuse("its basic constraints do not say CA:TRUE");
    }
    if !usable_name(certificate.subject()) {
        return refuse("its subject is empty or has a part with no or several attributes");
    }
    match certificate.key_usage() {
        Ok(Some(usage)) if !usage.value.key_cert_sign() => refuse("its key usage lacks keyCertSign"),
        Ok(_) => Ok(()),
        Err(_) => refuse("its key usage is malformed"),
    }
}

/// Issuers are found by name, so an authority needs one that can be written again.
fn usable_name(name: &X509Name<'_>) -> bool {
    name.iter().next().is_some() && name.iter().all(|part| part.iter().count() == 1)
}

fn validity(certificate: &X509Certificate<'_>) -> (u64, u64) {
    let seconds = |t: i64| u64::try_from(t).unwrap_or(0);
    let validity = certificate.validity();
    (seconds(validity.not_before.timestamp()), seconds(validity.not_after.timestamp()))
}

fn key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(colon_hex(id.0)),
        _ => None,
    })
}

fn authority_key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|k| colon_hex(k.0)),
        _ => None,
    })
}

fn fingerprint(der: &[u8]) -> String {
    colon_hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref())
}

fn low_64_bits(serial: &[u8]) -> u64 {
    serial.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte))
}

/// The identity in the one URI among the subject alternative names. With `alone`, no other name of any
/// kind may stand beside it.
pub(super) fn only_uri(extensions: &[&X509Extension<'_>], alone: bool) -> Result<SpiffeId, PkiError> {
    Ok(SpiffeId::parse(&uri_text(extensions, alone)?)?)
}

/// The same, whatever the URI names.
pub(super) fn uri_text(extensions: &[&X509Extension<'_>], alone: bool) -> Result<String, PkiError> {
    let mut names = Vec::new();
    for extension in extensions.iter().filter(|e| e.oid == OID_X509_EXT_SUBJECT_ALT_NAME) {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(san) => names.extend(&san.general_names),
            _ => return Err(PkiError::SubjectAltNames { found: "malformed".into() }),
        }
    }
    let uris: Vec<&str> = names.iter().filter_map(|n| uri(n)).collect();
    match uris[..] {
        [uri] if names.len() == 1 || !alone => Ok(uri.to_owned()),
        _ => Err(PkiError::SubjectAltNames { found: describe(&names) }),
    }
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

/// For people; cut, because a stranger wrote it.
fn describe(names: &[&GeneralName<'_>]) -> String {
    let listed: Vec<String> = names.iter().take(5).map(ToString::to_string).collect();
    match names.len() {
        0 => "absent".into(),
        n => format!("{n}: {}", listed.join(", ").chars().take(300).collect::<String>()),
    }
}
