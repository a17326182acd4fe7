use super::TrustError;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// What a node must know to belong to a cluster. Consul calls it the encryption key.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinSecret(Vec<u8>);

/// What separates these derivations from those of other programs that are given the same secret.
const SALT: &[u8] = b"mesh cluster 1";

impl JoinSecret {
    /// 16, 24 or 32 bytes in base64.
    ///
    /// # Errors
    /// It is something else. The error does not repeat it.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| TrustError::Secret { found: "a text that is not base64".to_owned() })?;
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, TrustError> {
        match bytes.len() {
            16 | 24 | 32 => Ok(Self(bytes)),
            length => Err(TrustError::Secret { found: format!("{length} bytes") }),
        }
    }

    /// A new one that nobody can guess.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, TrustError> {
        let mut bytes = vec![0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| TrustError::Randomness { what: "a join secret" })?;
        Ok(Self(bytes))
    }

    /// The secret itself, to be handed to another node.
    pub fn expose(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// What gossip is encrypted with.
    pub fn gossip_key(&self) -> [u8; 32] {
        self.derive(b"gossip")
    }

    /// What the cluster's authority signs with.
    pub(super) fn authority_seed(&self) -> [u8; 32] {
        self.derive(b"authority")
    }

    fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        let extracted = Salt::new(HKDF_SHA256, SALT).extract(&self.0);
        let info = [purpose];
        let expanded = extracted.expand(&info, Bytes32).expect("32 bytes are less than HKDF can give");
        expanded.fill(&mut key).expect("the length asked for is the buffer's");
        key
    }
}

impl fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinSecret(hidden)")
    }
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}
