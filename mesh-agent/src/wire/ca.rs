use super::decode::fold;
use super::time::rfc3339;
use crate::model::{self, Opaque};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The trusted roots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CaRoots {
    #[serde(rename(serialize = "ActiveRootID"))]
    pub active_root_id: String,
    pub trust_domain: String,
    pub roots: Vec<CaRoot>,
}

/// One of them. The key is not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CaRoot {
    #[serde(rename(serialize = "ID"))]
    pub id: String,
    pub name: String,
    pub serial_number: u64,
    #[serde(rename(serialize = "SigningKeyID"))]
    pub signing_key_id: String,
    pub external_trust_domain: String,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// PEM.
    pub root_cert: String,
    /// PEM.
    pub intermediate_certs: Vec<String>,
    pub active: bool,
    pub private_key_type: String,
    pub private_key_bits: u32,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&[model::CaRoot]> for CaRoots {
    fn from(roots: &[model::CaRoot]) -> Self {
        let active = roots.iter().find(|root| root.active);
        Self {
            active_root_id: active.map(|root| root.id.clone()).unwrap_or_default(),
            trust_domain: active.map(|root| root.trust_domain.clone()).unwrap_or_default(),
            roots: roots.iter().map(CaRoot::from).collect(),
        }
    }
}

impl From<&model::CaRoot> for CaRoot {
    fn from(root: &model::CaRoot) -> Self {
        let cluster = root.trust_domain.split('.').next().unwrap_or_default();
        Self {
            id: root.id.clone(),
            name: root.name.clone(),
            serial_number: root.serial,
            signing_key_id: root.signing_key_id.clone(),
            external_trust_domain: cluster.to_owned(),
            not_before: rfc3339(root.not_before),
            not_after: rfc3339(root.not_after),
            root_cert: root.root_cert_pem.clone(),
            intermediate_certs: root.intermediate_pems.clone(),
            active: root.active,
            private_key_type: root.private_key_type.clone(),
            private_key_bits: root.private_key_bits,
            create_index: root.index.create,
            modify_index: root.index.modify,
        }
    }
}

/// `/v1/connect/ca/configuration`, both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct CaConfiguration {
    pub provider: String,
    pub config: Opaque,
    pub state: Option<Opaque>,
    pub force_without_cross_signing: bool,
    pub create_index: u64,
    pub modify_index: u64,
    #[serde(rename(serialize = "ClusterID"), skip_serializing)]
    pub cluster_id: String,
}

impl From<&model::CaConfig> for CaConfiguration {
    /// A private key that somebody put into the configuration stays here, whoever asks.
    fn from(config: &model::CaConfig) -> Self {
        let public = |(key, _): &(&String, &serde_json::Value)| fold(key) != "privatekey";
        let entries = config.config.iter().filter(public);
        Self {
            provider: config.provider.clone(),
            config: entries.map(|(key, value)| (key.clone(), value.clone())).collect(),
            create_index: config.index.create,
            modify_index: config.index.modify,
            ..Self::default()
        }
    }
}

/// `/v1/agent/connect/ca/leaf/:service`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct LeafCert {
    pub serial_number: String,
    #[serde(rename(serialize = "CertPEM"))]
    pub cert_pem: String,
    #[serde(rename(serialize = "PrivateKeyPEM"))]
    pub private_key_pem: String,
    pub service: String,
    #[serde(rename(serialize = "ServiceURI"))]
    pub service_uri: String,
    /// RFC 3339.
    pub valid_after: String,
    /// RFC 3339.
    pub valid_before: String,
    pub create_index: u64,
    pub modify_index: u64,
}

impl From<&model::IssuedCert> for LeafCert {
    fn from(cert: &model::IssuedCert) -> Self {
        Self {
            serial_number: cert.serial_number.clone(),
            cert_pem: cert.cert_pem.clone(),
            private_key_pem: cert.private_key_pem.clone(),
            service: cert.service.to_string(),
            service_uri: cert.service_uri.clone(),
            valid_after: rfc3339(cert.valid_after),
            valid_before: rfc3339(cert.valid_before),
            create_index: cert.index.create,
            modify_index: cert.index.modify,
        }
    }
}

impl fmt::Debug for LeafCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafCert")
            .field("service_uri", &self.service_uri)
            .field("serial_number", &self.serial_number)
            .finish_non_exhaustive()
    }
}
