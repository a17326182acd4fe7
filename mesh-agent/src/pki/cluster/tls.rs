use super::authority::{ClusterAuthority, DOMAIN};
use super::certificate::{GivenCertificate, OwnCertificate};
use super::{JoinSecret, NodeIdentity, NodeRole, TrustError};
use crate::clock::Clock;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;
use uuid::Uuid;

/// Certificates that the operator made, as texts in PEM.
#[derive(Clone)]
pub struct OwnCertificates {
    pub authorities: String,
    pub chain: String,
    pub private_key: String,
    /// In names such as `server.dc1.consul`.
    pub domain: String,
}

/// How this node proves who it is to the others, and finds out who they are.
#[derive(Clone)]
pub struct ClusterTls {
    pub server: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
    /// What servers must be called in their certificates.
    pub server_name: ServerName<'static>,
    datacenter: String,
    domain: String,
}

/// Says that our frames follow, so that no other protocol is taken for them.
const PROTOCOL: &[u8] = b"mesh-rpc/1";

impl ClusterTls {
    /// Everything follows from the secret.
    ///
    /// # Errors
    /// The system gives no randomness, or the datacenter's name does not fit into a certificate.
    pub fn of_secret(
        secret: &JoinSecret,
        role: NodeRole,
        datacenter: &str,
        id: Uuid,
        clock: Clock,
    ) -> Result<Self, TrustError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let authority = ClusterAuthority::derive(secret)?;
        let roots = vec![authority.certificate()];
        let own = Arc::new(OwnCertificate::new(authority, role, datacenter, id, clock, provider.clone())?);
        Self::new(&provider, roots, own, datacenter, DOMAIN)
    }

    /// With certificates of the operator's.
    ///
    /// # Errors
    /// They cannot be read, or the key is not the certificate's.
    pub fn of_certificates(given: &OwnCertificates, datacenter: &str) -> Result<Self, TrustError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = certificates("ca_file", &given.authorities)?;
        let chain = certificates("cert_file", &given.chain)?;
        let key = PrivateKeyDer::from_pem_slice(given.private_key.as_bytes())
            .map_err(|error| TrustError::certificate("key_file", &error))?;
        let own = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| TrustError::certificate("cert_file with key_file", &error))?;
        let own = Arc::new(GivenCertificate(Arc::new(own)));
        Self::new(&provider, roots, own, datacenter, &given.domain)
    }

    fn new<R: ResolvesServerCert + ResolvesClientCert + 'static>(
        provider: &Arc<CryptoProvider>,
        roots: Vec<CertificateDer<'static>>,
        own: Arc<R>,
        datacenter: &str,
        domain: &str,
    ) -> Result<Self, TrustError> {
        let roots = Arc::new(store(roots)?);
        let server_name = server_name(datacenter, domain)?;
        Ok(Self {
            server: Arc::new(server_config(provider, roots.clone(), own.clone())?),
            client: Arc::new(client_config(provider, roots, own)?),
            server_name,
            datacenter: datacenter.to_ascii_lowercase(),
            domain: domain.to_owned(),
        })
    }

    /// The same node as it calls servers of another datacenter, which must be called so.
    ///
    /// # Errors
    /// The datacenter's name does not fit into a certificate.
    pub fn towards(&self, datacenter: &str) -> Result<Self, TrustError> {
        Ok(Self { server_name: server_name(datacenter, &self.domain)?, ..self.clone() })
    }

    /// Whose certificate this is; its chain was verified in the handshake.
    ///
    /// # Errors
    /// It names neither a server nor a client of any datacenter.
    pub fn identify(&self, certificate: &CertificateDer<'_>) -> Result<NodeIdentity, TrustError> {
        NodeIdentity::of_certificate(certificate, &self.datacenter, std::slice::from_ref(&self.domain))
    }
}

fn server_name(datacenter: &str, domain: &str) -> Result<ServerName<'static>, TrustError> {
    let name = NodeIdentity::dns_name(NodeRole::Server, datacenter, domain);
    ServerName::try_from(name).map_err(|error| TrustError::certificate("the datacenter's name", &error))
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read = read.map_err(|error| TrustError::certificate(what, &error))?;
    if read.is_empty() {
        return Err(TrustError::certificate(what, &"there is no certificate in it"));
    }
    Ok(read)
}

fn store(roots: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TrustError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).map_err(|error| TrustError::certificate("the cluster's authority", &error))?;
    }
    Ok(store)
}

/// A session is never resumed: each handshake looks at the certificates again.
fn server_config(
    provider: &Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    own: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, TrustError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
    let verifier = verifier.map_err(|error| TrustError::certificate("the cluster's authority", &error))?;
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TrustError::certificate("TLS 1.3", &error))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(own);
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(config)
}

fn client_config(
    provider: &Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    own: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig, TrustError> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TrustError::certificate("TLS 1.3", &error))?
        .with_root_certificates(roots)
        .with_client_cert_resolver(own);
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(config)
}
