use super::identity::{NodeIdentity, NodeRole};
use super::{JoinSecret, TrustError};
use crate::clock::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::time::Duration;
use uuid::Uuid;

/// The authority that every node derives from the cluster's secret, and signs its own certificate with.
///
/// Its key is Ed25519, since any 32 bytes are one: no derived value has to be rejected.
pub struct ClusterAuthority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A node's key with its certificate.
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The domain of names in certificates that nodes issue to themselves.
pub(super) const DOMAIN: &str = "mesh";
/// How long a node's certificate is valid. It is replaced long before.
pub(super) const LIFE: Duration = Duration::from_hours(3 * 24);
/// Clocks of a cluster may differ by this much, in either direction: a node whose clock is wrong when it starts
/// must reach the others all the same.
const BACKDATE: Duration = LIFE;
/// What precedes an Ed25519 seed in PKCS #8 (RFC 8410).
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

impl ClusterAuthority {
    /// The same for everybody who knows the secret.
    ///
    /// # Errors
    /// The cryptographic library refuses, which it should not.
    pub fn derive(secret: &JoinSecret) -> Result<Self, TrustError> {
        const WHAT: &str = "the cluster's authority";
        let failed = |error: rcgen::Error| TrustError::certificate(WHAT, &error);
        let key = [PKCS8.as_slice(), &secret.authority_seed()].concat();
        let key = PrivatePkcs8KeyDer::from(key);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ED25519).map_err(failed)?;
        let params = authority_params();
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// A new key and a certificate for this node.
    pub(super) fn issue(
        &self,
        role: NodeRole,
        datacenter: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Issued, TrustError> {
        const WHAT: &str = "this node's own certificate";
        let failed = |error: rcgen::Error| TrustError::certificate(WHAT, &error);
        let key = KeyPair::generate().map_err(failed)?;
        let params = node_params(role, datacenter, id, now).map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Issued { certificate: certificate.der().clone(), key })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("mesh cluster authority");
    params.serial_number = Some(SerialNumber::from(1));
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2999, 1, 1));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn node_params(
    role: NodeRole,
    datacenter: &str,
    id: Uuid,
    now: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let name = NodeIdentity::dns_name(role, datacenter, DOMAIN);
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&name);
    params.subject_alt_names =
        vec![SanType::DnsName(name.try_into()?), SanType::URI(NodeIdentity::uri(id).try_into()?)];
    let now = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
    let at = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.unsigned_abs());
    (params.not_before, params.not_after) = (at - BACKDATE, at + LIFE);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
