use super::distinguished_name::subject;
use super::{CaProvider, IntermediateTemplate, LeafTemplate, ProviderError};
use crate::model::CaProviderState;
use crate::pki::{KeyKind, RootInfo, TrustDomain};
use futures_util::future::{BoxFuture, ready};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
    date_time_ymd,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::time::Duration;

/// How long a root that is made here is valid.
const ROOT_LIFE: Duration = Duration::from_hours(10 * 365 * 24);
/// Clocks of a mesh may differ by this much.
pub(super) const BACKDATE_SECONDS: u64 = 60;

/// The provider whose key the servers keep themselves.
pub struct BuiltinCa {
    root: RootInfo,
    issuer: Issuer<'static, KeyPair>,
}

impl BuiltinCa {
    /// A new root with a new key.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate(kind: KeyKind, trust_domain: &TrustDomain, now: u64) -> Result<Self, ProviderError> {
        Self::self_signed(new_key(kind)?, trust_domain, now)
    }

    /// A new root with a key that was given.
    ///
    /// # Errors
    /// The PEM holds no private key of an accepted kind.
    pub fn with_key(key_pem: &str, trust_domain: &TrustDomain, now: u64) -> Result<Self, ProviderError> {
        Self::self_signed(read_key(key_pem)?, trust_domain, now)
    }

    /// A root that exists.
    ///
    /// # Errors
    /// The key cannot be read, is not the root's, or the root may not sign.
    pub fn open(root_pem: &str, key_pem: &str) -> Result<Self, ProviderError> {
        Self::join(RootInfo::from_pem(root_pem)?, read_key(key_pem)?)
    }

    fn self_signed(key: KeyPair, trust_domain: &TrustDomain, now: u64) -> Result<Self, ProviderError> {
        let root = root_params(&key, trust_domain, now)?.self_signed(&key)?;
        Self::join(RootInfo::from_der(root.der())?, key)
    }

    fn join(root: RootInfo, key: KeyPair) -> Result<Self, ProviderError> {
        if key.subject_public_key_info() != root.public_key.spki() {
            return Err(ProviderError::KeyMismatch { root: root.id });
        }
        let issuer = Issuer::from_ca_cert_der(&root.der.clone().into(), key)?;
        Ok(Self { root, issuer })
    }

    fn sign_now(&self, leaf: &LeafTemplate) -> Result<String, ProviderError> {
        let key = SubjectPublicKeyInfo::from_der(leaf.public_key.spki())?;
        Ok(leaf_params(leaf)?.signed_by(&key, &self.issuer)?.pem())
    }

    fn sign_intermediate_now(&self, template: &IntermediateTemplate) -> Result<String, ProviderError> {
        let key = SubjectPublicKeyInfo::from_der(template.public_key.spki())?;
        Ok(intermediate_params(template)?.signed_by(&key, &self.issuer)?.pem())
    }

    fn cross_sign_now(&self, other: &RootInfo, not_before: u64) -> Result<String, ProviderError> {
        let key = SubjectPublicKeyInfo::from_der(other.public_key.spki())?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(other)?;
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id(other));
        valid(&mut params, not_before.max(self.root.not_before), other.not_after.min(self.root.not_after));
        params.use_authority_key_identifier_extension = true;
        authority(&mut params);
        let cross = RootInfo::from_der(params.signed_by(&key, &self.issuer)?.der())?;
        if cross.subject == other.subject {
            Ok(cross.pem)
        } else {
            Err(ProviderError::Subject { root: other.id.clone() })
        }
    }
}

impl CaProvider for BuiltinCa {
    fn root(&self) -> &RootInfo {
        &self.root
    }

    fn state(&self) -> Option<CaProviderState> {
        let private_key_pem = self.issuer.key().serialize_pem();
        Some(CaProviderState { root_id: self.root.id.clone(), private_key_pem, intermediate_pem: None })
    }

    fn sign<'a>(&'a self, leaf: &'a LeafTemplate) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(ready(self.sign_now(leaf)))
    }

    fn sign_intermediate<'a>(
        &'a self,
        template: &'a IntermediateTemplate,
    ) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(ready(self.sign_intermediate_now(template)))
    }

    fn cross_sign<'a>(
        &'a self,
        other: &'a RootInfo,
        not_before: u64,
    ) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(ready(self.cross_sign_now(other, not_before)))
    }
}

pub(super) fn new_key(kind: KeyKind) -> Result<KeyPair, ProviderError> {
    let made = match kind {
        KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyKind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyKind::Rsa { bits: ..=2048 } => rsa(rcgen::RsaKeySize::_2048),
        KeyKind::Rsa { bits: ..=3072 } => rsa(rcgen::RsaKeySize::_3072),
        KeyKind::Rsa { .. } => rsa(rcgen::RsaKeySize::_4096),
    };
    made.map_err(|e| ProviderError::Key { reason: e.to_string() })
}

fn rsa(size: rcgen::RsaKeySize) -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
}

/// The first private key in the PEM: tools write the curve's parameters before it.
fn read_key(pem: &str) -> Result<KeyPair, ProviderError> {
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|e| ProviderError::Key { reason: e.to_string() })?;
    KeyPair::try_from(&der).map_err(|e| ProviderError::Key { reason: e.to_string() })
}

fn root_params(
    key: &KeyPair,
    trust_domain: &TrustDomain,
    now: u64,
) -> Result<CertificateParams, ProviderError> {
    let mut params = CertificateParams::default();
    // Distinct for each root, since the issuer of a leaf is first looked for by name.
    let mark: String = params.key_identifier(key).iter().take(4).map(|b| format!("{b:02x}")).collect();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Mesh CA {mark}"));
    params.subject_alt_names = vec![uri(&format!("spiffe://{trust_domain}"))?];
    // Clients read it as a JSON number, which is exact below 2^53.
    params.serial_number = Some(rand::random_range(1..1u64 << 53).into());
    valid(&mut params, now.saturating_sub(BACKDATE_SECONDS), now.saturating_add(ROOT_LIFE.as_secs()));
    authority(&mut params);
    Ok(params)
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
}

fn intermediate_params(template: &IntermediateTemplate) -> Result<CertificateParams, ProviderError> {
    let mut params = CertificateParams::default();
    // A name of its own for each key: the issuer of a leaf is first looked for by name.
    let mark = rand::random::<u32>();
    params.distinguished_name = DistinguishedName::new();
    let name = format!("Mesh CA {} {mark:08x}", template.datacenter);
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params.subject_alt_names = vec![uri(&format!("spiffe://{}", template.trust_domain))?];
    params.serial_number = Some(random_serial());
    valid(&mut params, template.not_before, template.not_after);
    params.use_authority_key_identifier_extension = true;
    authority(&mut params);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    Ok(params)
}

fn leaf_params(leaf: &LeafTemplate) -> Result<CertificateParams, ProviderError> {
    let mut params = CertificateParams::default();
    // No subject: the URI is the identity, and there must be no second place to look for it.
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![uri(&leaf.identity.to_string())?];
    params.serial_number = Some(random_serial());
    valid(&mut params, leaf.not_before, leaf.not_after);
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if matches!(leaf.public_key.kind(), KeyKind::Rsa { .. }) {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// 127 random bits: positive, never zero, and of one length.
fn random_serial() -> SerialNumber {
    let mut bytes = rand::random::<[u8; 16]>();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn uri(uri: &str) -> Result<SanType, ProviderError> {
    Ok(SanType::URI(uri.try_into()?))
}

/// In Unix seconds; the last year that a certificate can express is 9999.
fn valid(params: &mut CertificateParams, not_before: u64, not_after: u64) {
    const LAST: u64 = 253_402_300_799;
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(not_before.min(LAST));
    params.not_after = epoch + Duration::from_secs(not_after.min(LAST));
}

fn key_id(root: &RootInfo) -> Vec<u8> {
    root.signing_key_id.split(':').filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
