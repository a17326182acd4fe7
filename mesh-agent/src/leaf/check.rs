use super::LeafError;
use super::trust::Trust;
use crate::model::{IssuedCert, RaftIndex, ServiceName};
use crate::pki::{CertChain, SpiffeId};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData, SanType};

/// A key that was made here, and the request that goes out for it.
pub(super) struct Pending {
    pub(super) identity: SpiffeId,
    pub(super) csr_pem: String,
    key: KeyPair,
}

impl Pending {
    pub(super) fn new(identity: SpiffeId) -> Result<Self, LeafError> {
        let service = identity.service.clone();
        let made = Self::make(identity);
        made.map_err(|e| LeafError::Key { service, reason: e.to_string() })
    }

    fn make(identity: SpiffeId) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(identity.to_string().try_into()?)];
        let csr_pem = params.serialize_request(&key)?.pem()?;
        Ok(Self { identity, csr_pem, key })
    }

    /// The certificate with its key, if the answer is one to this request.
    pub(super) fn accept(
        &self,
        chain_pem: &str,
        trust: &Trust,
        now: u64,
        index: u64,
    ) -> Result<IssuedCert, LeafError> {
        let answer = |source| LeafError::Answer { identity: self.identity.clone(), source };
        let chain = CertChain::from_pem(chain_pem).map_err(answer)?;
        let root = check(&chain, &self.identity, &self.key, trust, now)?;
        Ok(issued(&self.identity.service, &chain, &self.key, root, index))
    }
}

/// Whether a certificate that was kept over a restart may still be shown.
pub(super) fn recheck(
    kept: &IssuedCert,
    wanted: &SpiffeId,
    trust: &Trust,
    now: u64,
) -> Result<(), LeafError> {
    let answer = |source| LeafError::Answer { identity: wanted.clone(), source };
    let chain = CertChain::from_pem(&kept.cert_pem).map_err(answer)?;
    let key = KeyPair::from_pem(&kept.private_key_pem)
        .map_err(|e| LeafError::Key { service: kept.service.clone(), reason: e.to_string() })?;
    check(&chain, wanted, &key, trust, now).map(drop)
}

/// The root under which the chain is good for this identity and this key.
fn check<'a>(
    chain: &CertChain,
    wanted: &SpiffeId,
    key: &KeyPair,
    trust: &'a Trust,
    now: u64,
) -> Result<&'a str, LeafError> {
    let identity = wanted.clone();
    let leaf = chain.leaf();
    if leaf.identity != *wanted {
        return Err(LeafError::OtherIdentity { wanted: identity, found: leaf.identity.clone() });
    }
    if leaf.public_key.spki() != key.subject_public_key_info() {
        return Err(LeafError::OtherKey { identity });
    }
    trust.anchors.verify(chain, now).map_err(|source| LeafError::Answer { identity, source })
}

fn issued(service: &ServiceName, chain: &CertChain, key: &KeyPair, root: &str, index: u64) -> IssuedCert {
    let leaf = chain.leaf();
    IssuedCert {
        service: service.clone(),
        service_uri: leaf.identity.to_string(),
        serial_number: leaf.serial_number.clone(),
        cert_pem: chain.to_pem(),
        private_key_pem: key.serialize_pem(),
        valid_after: leaf.not_before,
        valid_before: leaf.not_after,
        root_id: root.to_owned(),
        index: RaftIndex { create: index, modify: index },
    }
}

/// Whether the certificate is still good and under the root that signs now.
pub(super) fn is_current(cert: &IssuedCert, trust: &Trust, now: u64) -> Standing {
    let Ok(chain) = CertChain::from_pem(&cert.cert_pem) else { return Standing::Untrusted };
    match trust.anchors.verify(&chain, now) {
        Ok(root) if root == trust.active_root => Standing::Current,
        Ok(_) => Standing::UnderOldRoot,
        Err(_) => Standing::Untrusted,
    }
}

/// How a certificate stands to the trusted roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    UnderOldRoot,
    Untrusted,
}
