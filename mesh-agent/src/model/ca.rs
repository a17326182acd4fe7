use super::{Opaque, RaftIndex, ServiceName};
use serde::{Deserialize, Serialize};

/// A root certificate that the mesh trusts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaRoot {
    /// The SHA-1 fingerprint of the certificate, colon-separated hex, as Consul names roots.
    pub id: String,
    pub name: String,
    pub serial: u64,
    /// The subject key id, colon-separated hex.
    pub signing_key_id: String,
    /// `<uuid>.consul`.
    pub trust_domain: String,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    pub root_cert_pem: String,
    pub intermediate_pems: Vec<String>,
    /// Exactly one root signs; the others are only trusted.
    pub active: bool,
    /// Unix seconds at which it stopped signing.
    pub rotated_out_at: Option<u64>,
    /// Unix seconds after which no leaf signed under an earlier, longer lifetime is alive; 0 where the
    /// lifetime was never shortened.
    #[serde(default)]
    pub leaves_expire_at: u64,
    pub private_key_type: String,
    pub private_key_bits: u32,
    pub index: RaftIndex,
}

/// Which provider signs, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaConfig {
    /// The UUID in the trust domain; made once for a cluster.
    pub cluster_id: uuid::Uuid,
    /// `consul` is the built-in provider, the name that clients know.
    pub provider: String,
    pub config: Opaque,
    pub index: RaftIndex,
}

/// What the built-in provider keeps. It never leaves the servers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CaProviderState {
    /// The root that this key belongs to.
    pub root_id: String,
    pub private_key_pem: String,
    /// The certificate that the key belongs to, where that is not the root itself: a datacenter's own under the root
    /// of the primary.
    #[serde(default)]
    pub intermediate_pem: Option<String>,
}

impl std::fmt::Debug for CaProviderState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaProviderState").field("root_id", &self.root_id).finish_non_exhaustive()
    }
}

/// A leaf certificate with its key, on the agent that made the key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct IssuedCert {
    pub service: ServiceName,
    /// `spiffe://…`
    pub service_uri: String,
    /// Lower-case hex, colon-separated.
    pub serial_number: String,
    /// The leaf first, then intermediates.
    pub cert_pem: String,
    pub private_key_pem: String,
    /// Unix seconds.
    pub valid_after: u64,
    /// Unix seconds.
    pub valid_before: u64,
    /// The root it was signed under.
    pub root_id: String,
    pub index: RaftIndex,
}

impl std::fmt::Debug for IssuedCert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedCert")
            .field("service_uri", &self.service_uri)
            .field("serial_number", &self.serial_number)
            .field("valid_before", &self.valid_before)
            .finish_non_exhaustive()
    }
}
