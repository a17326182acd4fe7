//! What the tests of several probers need.

use super::{AliasSource, AliasTarget, CheckTls};
use crate::model::{CheckDefinition, CheckId, CheckStatus, HealthCheck, NodeName, Probe, RaftIndex};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(super) fn id(text: &str) -> CheckId {
    CheckId::new(text).unwrap()
}

/// A port that was free a moment ago and that nobody listens on.
pub(super) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(super) fn definition(name: &str, probe: Probe) -> CheckDefinition {
    CheckDefinition::new(id(name), name, probe)
}

pub(super) fn health_check(name: &str, status: CheckStatus) -> HealthCheck {
    HealthCheck {
        node: NodeName::new("n").unwrap(),
        id: id(name),
        name: name.to_owned(),
        status,
        notes: String::new(),
        output: "as tested".to_owned(),
        service_id: None,
        service_name: None,
        service_tags: Vec::new(),
        kind: String::new(),
        definition: serde_json::Map::new(),
        index: RaftIndex::default(),
    }
}

/// For runs without aliases.
pub(super) struct NoAliases;

impl AliasSource for NoAliases {
    fn checks(&self, _: &AliasTarget) -> Option<Vec<Arc<HealthCheck>>> {
        None
    }
    fn changed(&self, _: &AliasTarget) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

/// A TLS listener for `localhost` with a certificate of its own.
pub(super) struct TlsServer {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    roots: RootCertStore,
}

impl TlsServer {
    pub(super) async fn bind(alpn: &[&[u8]]) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), roots }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// A client's view that trusts this server.
    pub(super) fn client(&self) -> CheckTls {
        CheckTls::new(self.roots.clone())
    }

    /// `None` when the client broke the handshake off.
    pub(super) async fn accept(&self) -> Option<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.ok()
    }
}
