//! Whoever shows a wrong certificate gets no byte through, in either role.

use super::logs;
use super::pki::{Authority, Credentials, DOMAIN, Leaf, self_signed, uri};
use super::scene::{Scene, Unreached, any, assert_reset, connect, echo, eventually};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, DigitallySignedStruct, DistinguishedName, Error,
    ServerConfig, ServerConnection, SideData, SignatureScheme, SupportedProtocolVersion,
};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Believes everybody: for peers that a test plays.
#[derive(Debug)]
struct Gullible;

macro_rules! gullible {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    gullible!();
}

impl ClientCertVerifier for Gullible {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    gullible!();
}

type Versions<'a> = &'a [&'static SupportedProtocolVersion];
type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub fn trusting_client(shown: Option<Shown>, versions: Versions<'_>) -> ClientConnection {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let config = match shown {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    ClientConnection::new(Arc::new(config), "anything.internal".try_into().unwrap()).unwrap()
}

pub fn trusting_server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    versions: Versions<'_>,
) -> ServerConnection {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(Arc::new(Gullible))
        .with_single_cert(chain, key)
        .unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// Completes the handshake as far as this side can tell.
pub fn handshake<S: SideData>(tls: &mut ConnectionCommon<S>, mut stream: TcpStream) -> io::Result<TcpStream> {
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(stream)
}

/// Plays a client that shows this; true if an echo came back.
fn client_gets_through(scene: &Scene, shown: Option<Shown>, versions: Versions<'_>) -> bool {
    let app = Unreached::new();
    let inbound = scene.inbound(app.address);
    let mut client = trusting_client(shown, versions);
    let through = (|| {
        let mut stream = handshake(&mut client, connect(inbound.local_addr()))?;
        let mut tls = rustls::Stream::new(&mut client, &mut stream);
        tls.write_all(b"x")?;
        tls.read_exact(&mut [0])
    })();
    if through.is_err() {
        app.assert();
    }
    through.is_ok()
}

/// Every way to be wrong, with words that the log line must have.
fn wrong(scene: &Scene, service: &str) -> Vec<(&'static str, Credentials, String)> {
    let foreign = Authority::new();
    let ours = &scene.authority;
    let uris = |uris: Vec<String>| Leaf { uris, ..Leaf::nameless() };
    let other_domain =
        format!("spiffe://99999999-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/{service}");
    let good = uri(service);
    vec![
        ("another trust domain", ours.issue(uris(vec![other_domain.clone()])), "99999999".into()),
        (
            "the same trust domain under another root",
            foreign.issue(Leaf::of(service)),
            "none of our roots".into(),
        ),
        ("expired", ours.issue(Leaf { years: (2020, 2021), ..Leaf::of(service) }), "expired".into()),
        (
            "not yet valid",
            ours.issue(Leaf { years: (2090, 2099), ..Leaf::of(service) }),
            "not valid yet".into(),
        ),
        ("self-signed", self_signed(Leaf::of(service)), "none of our roots".into()),
        ("no URI", ours.issue(Leaf { common_name: "cn", ..Leaf::nameless() }), "exactly one URI".into()),
        ("two URIs", ours.issue(uris(vec![good.clone(), uri("other")])), "exactly one URI".into()),
        (
            "two URIs, one of another domain",
            ours.issue(uris(vec![other_domain, good.clone()])),
            "exactly one URI".into(),
        ),
        ("a URI with a query", ours.issue(uris(vec![format!("{good}?x")])), "not a service identity".into()),
        (
            "no purpose",
            ours.issue(Leaf { purposes: vec![], ..Leaf::of(service) }),
            "extended key usage".into(),
        ),
        ("an authority", ours.issue(Leaf { authority: true, ..Leaf::of(service) }), "an authority's".into()),
        (
            "signed by a leaf",
            ours.issue_under(Leaf::of("between"), Leaf::of(service)),
            "signed by one that is no authority".into(),
        ),
        (
            "under another trust domain's intermediate",
            ours.issue_under(
                intermediate("spiffe://99999999-2222-3333-4444-555555555555.consul"),
                Leaf::of(service),
            ),
            "another trust domain".into(),
        ),
    ]
}

fn intermediate(uri: &str) -> Leaf {
    Leaf { uris: vec![uri.to_owned()], authority: true, purposes: vec![], ..Leaf::nameless() }
}

#[test]
fn an_intermediate_of_our_own_trust_domain_is_good() {
    let scene = Scene::new();
    let between = intermediate(&format!("spiffe://{DOMAIN}"));
    let Credentials { chain, key } = scene.authority.issue_under(between, Leaf::of(&scene.client));
    let inbound = scene.inbound(echo());
    let mut client = trusting_client(Some((chain, key)), rustls::ALL_VERSIONS);
    let mut stream = handshake(&mut client, connect(inbound.local_addr())).unwrap();
    let mut tls = rustls::Stream::new(&mut client, &mut stream);
    tls.write_all(b"x").unwrap();
    tls.read_exact(&mut [0]).unwrap();
}

/// The log lines of this scene, once there are as many.
fn lines(scene: &Scene, count: usize) -> Vec<String> {
    eventually("each refusal is logged", || logs::lines_with(&scene.server).len() >= count);
    logs::lines_with(&scene.server)
}

#[test]
fn a_client_with_a_wrong_certificate_is_refused_and_the_log_says_why() {
    let scene = Scene::new();
    let mut cases = wrong(&scene, &scene.client);
    let purposes = vec![ServerAuth];
    let server_only = scene.authority.issue(Leaf { purposes, ..Leaf::of(&scene.client) });
    cases.push(("for servers only", server_only, "extended key usage".into()));
    for (index, (what, Credentials { chain, key }, words)) in cases.into_iter().enumerate() {
        assert!(!client_gets_through(&scene, Some((chain, key)), rustls::ALL_VERSIONS), "{what} got through");
        let lines = lines(&scene, index + 1);
        assert_eq!(lines.len(), index + 1, "{what}: one line each, got {lines:#?}");
        assert!(lines[index].to_lowercase().contains(&words.to_lowercase()), "{what}: {}", lines[index]);
    }
}

#[test]
fn a_client_without_certificate_is_refused() {
    let scene = Scene::new();
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        assert!(!client_gets_through(&scene, None, versions));
    }
    eventually("both are counted", || scene.counters().handshake_failures == 2);
    assert_eq!(lines(&scene, 2).len(), 2);
}

#[test]
fn a_server_with_a_wrong_certificate_gets_no_byte() {
    let scene = Scene::new();
    let mut cases = wrong(&scene, &scene.server);
    let purposes = vec![ClientAuth];
    let client_only = scene.authority.issue(Leaf { purposes, ..Leaf::of(&scene.server) });
    cases.push(("for clients only", client_only, "extended key usage".into()));
    let other = scene.authority.issue(Leaf::of("payments"));
    let elsewhere = vec![format!("spiffe://{DOMAIN}/ns/default/dc/dc2/svc/{}", scene.server)];
    let elsewhere = scene.authority.issue(Leaf { uris: elsewhere, ..Leaf::nameless() });
    cases.push(("the same service's of another datacenter", elsewhere, "dc2".into()));
    cases.push(("another service's valid certificate", other, "svc/payments, expected".into()));
    for (index, (what, Credentials { chain, key }, words)) in cases.into_iter().enumerate() {
        let listener = TcpListener::bind(any()).unwrap();
        let outbound = scene.outbound(vec![listener.local_addr().unwrap()]);
        let impostor = thread::spawn(move || {
            let mut server = trusting_server(chain, key, rustls::ALL_VERSIONS);
            let mut stream = handshake(&mut server, listener.accept().unwrap().0)?;
            rustls::Stream::new(&mut server, &mut stream).read_exact(&mut [0])
        });
        let mut near = connect(outbound.local_addr());
        // A write that meets the reset takes the error with it.
        if near.write_all(b"secret").is_ok() {
            assert_reset(&mut near);
        }
        assert!(impostor.join().unwrap().is_err(), "{what} got a byte");
        let lines = lines(&scene, index + 1);
        assert_eq!(lines.len(), index + 1, "{what}: one line each, got {lines:#?}");
        let line = lines[index].to_lowercase();
        assert!(line.contains(&words.to_lowercase()), "{what}: {line}");
        let (from, to) = (uri(&scene.client), uri(&scene.server));
        assert!(line.contains(&from) && line.contains(&to), "{what}: both identities are named: {line}");
    }
}

#[test]
fn versions_before_1_2_are_refused() {
    // A TLS 1.1 client hello: version 3.2, one suite, no extensions.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let scene = Scene::new();
    let app = Unreached::new();
    let inbound = scene.inbound(app.address);
    let mut stream = connect(inbound.local_addr());
    stream.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    assert!(answer.is_empty() || answer[0] == 21, "only an alert may come back: {answer:?}");
    eventually("it is counted", || scene.counters().handshake_failures == 1);
    app.assert();
}

#[test]
fn no_client_can_resume_a_session() {
    let scene = Scene::new();
    let Credentials { chain, key } = scene.authority.issue(Leaf::of(&scene.client));
    let inbound = scene.inbound(echo());
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Gullible))
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .unwrap();
        let config = Arc::new(config);
        for _ in 0..3 {
            let mut client = ClientConnection::new(config.clone(), "a.internal".try_into().unwrap()).unwrap();
            let mut stream = handshake(&mut client, connect(inbound.local_addr())).unwrap();
            assert_eq!(client.handshake_kind(), Some(rustls::HandshakeKind::Full));
            let mut tls = rustls::Stream::new(&mut client, &mut stream);
            tls.write_all(b"x").unwrap();
            tls.read_exact(&mut [0]).unwrap();
            assert_eq!(client.tls13_tickets_received(), 0);
        }
    }
}
