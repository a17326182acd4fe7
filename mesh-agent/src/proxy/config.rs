use super::identity::{IdentityFeed, TlsIdentity};
use super::verify::{ClientVerifier, ServerVerifier, read_identity};
use crate::model::{Datacenter, ServiceName};
use crate::pki::SpiffeId;
use arc_swap::ArcSwapOption;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ServerConfig};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

/// Why there is no TLS configuration to hand-shake with.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoConfig {
    #[error("the service has no certificate yet")]
    NoIdentity,
    #[error("the certificate or key of {id} cannot be used: {source}")]
    Unusable {
        id: SpiffeId,
        #[source]
        source: rustls::Error,
    },
}

/// AES-128-GCM first: the fastest on every processor with AES instructions; X25519 for the same reason.
pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    use aws_lc_rs::{cipher_suite as suite, kx_group};
    Arc::new(CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    })
});

/// Something built from the current identity, built anew when the identity changes.
struct Cache<T> {
    feed: IdentityFeed,
    built: ArcSwapOption<(Arc<TlsIdentity>, T)>,
}

impl<T> Cache<T> {
    fn new(feed: IdentityFeed) -> Self {
        Self { feed, built: ArcSwapOption::empty() }
    }

    fn current(
        &self,
        build: impl FnOnce(&TlsIdentity) -> Result<T, rustls::Error>,
    ) -> Result<Arc<(Arc<TlsIdentity>, T)>, NoConfig> {
        let identity = self.feed.borrow().clone().ok_or(NoConfig::NoIdentity)?;
        if let Some(built) = self.built.load_full().filter(|built| Arc::ptr_eq(&built.0, &identity)) {
            return Ok(built);
        }
        let config =
            build(&identity).map_err(|source| NoConfig::Unusable { id: identity.id.clone(), source })?;
        let built = Arc::new((identity, config));
        self.built.store(Some(built.clone()));
        Ok(built)
    }
}

/// The server's side: accepts services of our own trust domain.
pub(super) struct ServerConfigs(Cache<Arc<ServerConfig>>);

impl ServerConfigs {
    pub fn new(feed: IdentityFeed) -> Self {
        Self(Cache::new(feed))
    }

    pub fn current(&self) -> Result<Arc<ServerConfig>, NoConfig> {
        Ok(self.0.current(build_server)?.1.clone())
    }
}

fn build_server(identity: &TlsIdentity) -> Result<Arc<ServerConfig>, rustls::Error> {
    let verifier = ClientVerifier::new(identity, &PROVIDER)?;
    let mut config = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    // A resumed session would pass by the checks of certificate and policy.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.enable_secret_extraction = true; // Our own records are sealed with them.
    Ok(Arc::new(config))
}

/// The client's side for one destination: accepts that service and no other.
pub(super) struct ClientConfigs {
    cache: Cache<Outgoing>,
    destination: ServiceName,
    datacenter: Datacenter,
}

/// How to reach one destination under the current identity.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
    pub source: SpiffeId,
    /// Of the source's certificate, as the destination will read it.
    pub serial: String,
    pub destination: SpiffeId,
}

impl ClientConfigs {
    pub fn new(feed: IdentityFeed, destination: ServiceName, datacenter: Datacenter) -> Self {
        Self { cache: Cache::new(feed), destination, datacenter }
    }

    pub fn current(&self) -> Result<Outgoing, NoConfig> {
        let (destination, datacenter) = (&self.destination, &self.datacenter);
        Ok(self.cache.current(|identity| build_client(identity, destination, datacenter))?.1.clone())
    }
}

fn build_client(
    identity: &TlsIdentity,
    destination: &ServiceName,
    datacenter: &Datacenter,
) -> Result<Outgoing, rustls::Error> {
    let destination =
        SpiffeId::new(identity.id.trust_domain.clone(), datacenter.clone(), destination.clone());
    let verifier = ServerVerifier::new(identity, destination.clone(), &PROVIDER)?;
    let mut config = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?;
    config.resumption = Resumption::disabled();
    config.enable_secret_extraction = true;
    let name = server_name(&destination);
    let leaf = identity.chain.first().and_then(|leaf| read_identity(leaf).ok());
    let serial = leaf.map_or_else(String::new, |presented| presented.serial);
    Ok(Outgoing { config: Arc::new(config), name, source: identity.id.clone(), serial, destination })
}

/// The name that asks a node for this service. A service whose name is no DNS label gets none: an address
/// is never sent as a server name.
fn server_name(destination: &SpiffeId) -> ServerName<'static> {
    ServerName::try_from(destination.server_name())
        .unwrap_or(ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}
