//! TLS between two services, in memory: what the CA signs is what rustls believes.

use super::*;
use crate::pki::CertChain;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};

#[tokio::test]
async fn both_sides_of_a_rotation_shake_hands_in_both_roles() {
    let world = World::empty();
    world.clock.set(Clock::System.now());
    world.manager.initialise("consul", &Opaque::new()).await.unwrap();
    let old_roots = world.roots();
    let old = world.issue("web").await;
    world.manager.rotate().await.unwrap();
    let new_roots = world.roots();
    let new = world.issue("db").await;

    let (old, new) = (Side::new(&old, &old_roots), Side::new(&new, &new_roots));
    for (client, server) in [(&old, &old), (&old, &new), (&new, &old), (&new, &new)] {
        shake(client, server).unwrap();
    }
    // After the old root is gone from both ends, its leaf is refused, whichever side shows it.
    let pruned = Side { roots: new_roots[..1].to_vec(), ..new.clone() };
    assert!(shake(&old, &pruned).is_err());
    assert!(shake(&pruned, &Side { roots: new_roots.to_vec(), ..old }).is_err());
}

#[tokio::test]
async fn another_mesh_is_refused() {
    let (ours, theirs) = (system_world().await, system_world().await);
    let our = Side::new(&ours.issue("web").await, &ours.roots());
    let their = Side::new(&theirs.issue("web").await, &theirs.roots());
    assert!(shake(&our, &their).is_err());
    assert!(shake(&their, &our).is_err());
}

async fn system_world() -> World {
    let world = World::empty();
    world.clock.set(Clock::System.now());
    world.manager.initialise("consul", &Opaque::new()).await.unwrap();
    world
}

#[derive(Clone)]
struct Side {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    roots: Vec<CaRoot>,
}

impl Side {
    fn new((leaf, key): &(SignedLeaf, rcgen::KeyPair), roots: &[CaRoot]) -> Self {
        let chain = leaf.chain.certificates().to_vec();
        Self { chain, key: key.serialize_der(), roots: roots.to_vec() }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }
}

/// The server's certificate checked by our own chain rules, since identities are not host names.
#[derive(Debug)]
struct ByChain(TrustAnchors);

impl ServerCertVerifier for ByChain {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(leaf).chain(rest).map(|c| c.clone().into_owned()).collect();
        let refuse = |e: PkiError| rustls::Error::General(e.to_string());
        let chain = CertChain::from_ders(all).map_err(refuse)?;
        self.0.verify(&chain, now.as_secs()).map_err(refuse)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, leaf, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn shake(client: &Side, server: &Side) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = &[&rustls::version::TLS13];
    let mut roots = RootCertStore::empty();
    for root in &server.roots {
        roots.add(crate::pki::RootInfo::from_pem(&root.root_cert_pem).unwrap().der.into()).unwrap();
    }
    let clients =
        WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let server_config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(clients)
        .with_single_cert(server.chain.clone(), server.key())?;
    let client_config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ByChain(trust(&client.roots))))
        .with_client_auth_cert(client.chain.clone(), client.key())?;
    let client = rustls::ClientConnection::new(client_config.into(), "web.mesh".try_into().unwrap())?;
    pump(client, rustls::ServerConnection::new(server_config.into())?)
}

/// Carries bytes between the two until neither has anything to say.
fn pump(
    mut client: rustls::ClientConnection,
    mut server: rustls::ServerConnection,
) -> Result<(), rustls::Error> {
    while client.wants_write() || server.wants_write() {
        carry(&mut client, &mut server)?;
        carry(&mut server, &mut client)?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(())
}

fn carry<A, B>(
    from: &mut rustls::ConnectionCommon<A>,
    to: &mut rustls::ConnectionCommon<B>,
) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = &wire[..];
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}
