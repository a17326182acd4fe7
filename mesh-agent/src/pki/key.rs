use super::PkiError;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION, Oid,
};
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The kinds of key that identities and roots may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    P256,
    P384,
    Rsa { bits: u32 },
}

impl KeyKind {
    /// `ec` or `rsa`, as Consul spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 | Self::P384 => "ec",
            Self::Rsa { .. } => "rsa",
        }
    }

    pub fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::Rsa { bits } => bits,
        }
    }
}

/// A public key of an accepted kind and strength.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    kind: KeyKind,
}

impl PublicKey {
    pub(super) fn new(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, PkiError> {
        Ok(Self { spki: spki.raw.to_vec(), kind: kind(spki)? })
    }

    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER of the `SubjectPublicKeyInfo`, as it came.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

fn kind(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, PkiError> {
    let algorithm = &spki.algorithm.algorithm;
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        return curve(spki);
    }
    if *algorithm != OID_PKCS1_RSAENCRYPTION {
        return Err(PkiError::Key { found: format!("of algorithm {algorithm}") });
    }
    match spki.parsed() {
        Ok(Parsed::RSA(rsa)) => rsa_strength(rsa.key_size()),
        _ => Err(PkiError::Key { found: "a malformed RSA key".into() }),
    }
}

fn curve(spki: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, PkiError> {
    let curve: Option<Oid<'_>> = spki.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok());
    match curve {
        Some(curve) if curve == OID_EC_P256 => Ok(KeyKind::P256),
        Some(curve) if curve == OID_NIST_EC_P384 => Ok(KeyKind::P384),
        Some(curve) => Err(PkiError::Key { found: format!("EC on curve {curve}") }),
        None => Err(PkiError::Key { found: "EC without a named curve".into() }),
    }
}

fn rsa_strength(bits: usize) -> Result<KeyKind, PkiError> {
    match u32::try_from(bits) {
        Ok(bits @ 2048..=8192) => Ok(KeyKind::Rsa { bits }),
        _ => Err(PkiError::Key { found: format!("RSA with {bits} bits") }),
    }
}
