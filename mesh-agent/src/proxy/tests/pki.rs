//! Certificates for tests: good ones, and every kind of bad one.

use crate::pki::SpiffeId;
use crate::proxy::TlsIdentity;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub const DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";

pub fn uri(service: &str) -> String {
    format!("spiffe://{DOMAIN}/ns/default/dc/dc1/svc/{service}")
}

pub fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// What a leaf is to contain. The default is a good one without a name.
pub struct Leaf {
    pub uris: Vec<String>,
    pub common_name: &'static str,
    pub purposes: Vec<ExtendedKeyUsagePurpose>,
    pub authority: bool,
    /// Years between which it is valid.
    pub years: (i32, i32),
}

impl Leaf {
    pub fn of(service: &str) -> Self {
        Self { uris: vec![uri(service)], ..Self::nameless() }
    }

    pub fn nameless() -> Self {
        let purposes = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Self { uris: vec![], common_name: "leaf", purposes, authority: false, years: (2020, 2099) }
    }

    fn params(self) -> CertificateParams {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        params.subject_alt_names =
            self.uris.iter().map(|uri| SanType::URI(uri.as_str().try_into().unwrap())).collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.purposes;
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 1, 1);
        if self.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params
    }
}

/// A chain with its key.
pub struct Credentials {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

fn pkcs8(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// A root that signs leaves.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, key()).unwrap())
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub fn issue(&self, leaf: Leaf) -> Credentials {
        let key = key();
        let certificate = leaf.params().signed_by(&key, &self.0).unwrap();
        Credentials { chain: vec![certificate.der().clone()], key: pkcs8(&key) }
    }

    /// A leaf that is signed by another certificate of ours.
    pub fn issue_under(&self, between: Leaf, leaf: Leaf) -> Credentials {
        let between = CertifiedIssuer::signed_by(between.params(), key(), &self.0).unwrap();
        let key = key();
        let certificate = leaf.params().signed_by(&key, &between).unwrap();
        Credentials { chain: vec![certificate.der().clone(), between.der().clone()], key: pkcs8(&key) }
    }

    pub fn identity(&self, service: &str) -> TlsIdentity {
        let Credentials { chain, key } = self.issue(Leaf::of(service));
        TlsIdentity { id: SpiffeId::parse(&uri(service)).unwrap(), chain, key, roots: vec![self.root()] }
    }
}

pub fn self_signed(leaf: Leaf) -> Credentials {
    let key = key();
    let certificate = leaf.params().self_signed(&key).unwrap();
    Credentials { chain: vec![certificate.der().clone()], key: pkcs8(&key) }
}
