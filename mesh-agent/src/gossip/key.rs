use super::GossipError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;

/// A secret that all agents share and that nobody else knows.
#[derive(Clone, PartialEq, Eq)]
pub struct GossipKey(Box<[u8]>);

impl GossipKey {
    /// A new one, of 32 random bytes.
    pub fn generate() -> Self {
        Self(rand::random::<[u8; 32]>().into())
    }

    /// As `keygen` writes it. Shorter keys that Consul made are taken as well.
    ///
    /// # Errors
    /// It is not base64, or not of a key's length.
    pub fn parse(text: &str) -> Result<Self, GossipError> {
        let bytes = STANDARD.decode(text.trim()).ok();
        let bytes = bytes.filter(|bytes| matches!(bytes.len(), 16 | 24 | 32));
        bytes.map(|bytes| Self(bytes.into())).ok_or(GossipError::Key)
    }

    /// In base64.
    pub fn to_text(&self) -> String {
        STANDARD.encode(&self.0)
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.0
    }

    /// Names the key without telling it.
    pub(super) fn id(&self) -> [u8; 4] {
        let digest = Sha256::new().chain_update(b"mesh gossip key id").chain_update(&self.0).finalize();
        digest[..4].try_into().expect("four bytes of 32")
    }
}

impl From<[u8; 32]> for GossipKey {
    fn from(secret: [u8; 32]) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for GossipKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GossipKey(…)")
    }
}
