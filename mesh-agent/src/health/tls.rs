use crate::pki::AnyServer;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// How probes speak TLS: with verification against some roots, or, where a check asks for it, without.
#[derive(Clone, Debug)]
pub struct CheckTls {
    verifying: ClientConfig,
    trusting: ClientConfig,
}

impl CheckTls {
    /// Trusts `roots` and nothing else.
    pub fn new(roots: RootCertStore) -> Self {
        let verifying = builder().with_root_certificates(roots).with_no_client_auth();
        let trusting = builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(Arc::new(aws_lc_rs::default_provider()))))
            .with_no_client_auth();
        Self { verifying, trusting }
    }

    /// Trusts what this host trusts. Certificates that cannot be read are skipped with a warning.
    pub fn with_system_roots() -> Self {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a root certificate of this host cannot be read; HTTPS checks do not trust it");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Self::new(roots)
    }

    /// The configuration of one check, which offers `alpn`.
    pub(super) fn config(&self, skip_verify: bool, alpn: &[u8]) -> Arc<ClientConfig> {
        let base = if skip_verify { &self.trusting } else { &self.verifying };
        let mut config = base.clone();
        config.alpn_protocols = vec![alpn.to_vec()];
        Arc::new(config)
    }
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
}
