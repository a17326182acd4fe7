//! A TLS client that shows whatever certificate a test wants.

use crate::wait::here;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A certificate with its key.
pub struct ClientCert {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl ClientCert {
    /// Vouched for by nobody but itself, for the given SPIFFE URI.
    ///
    /// # Panics
    /// The URI is no ASCII text.
    pub fn self_signed(uri: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key can be made");
        let mut parameters = rcgen::CertificateParams::default();
        let uri = rcgen::string::Ia5String::try_from(uri).expect("a test's URI is ASCII");
        parameters.subject_alt_names = vec![rcgen::SanType::URI(uri)];
        let cert = parameters.self_signed(&key).expect("a certificate can be made");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key that was just made");
        Self { chain: vec![cert.der().clone()], key }
    }
}

/// Speaks TLS with a port, sends the bytes and reads what comes back. The server is not verified.
///
/// # Errors
/// The handshake or the connection fails.
pub fn exchange(port: u16, cert: Option<ClientCert>, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let tcp = TcpStream::connect(("127.0.0.1", port))?;
    tcp.set_read_timeout(Some(here(Duration::from_secs(20))))?;
    let name = ServerName::try_from("mesh.test").expect("a valid name");
    let connection = ClientConnection::new(Arc::new(config(cert)), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, tcp);
    stream.write_all(bytes)?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn config(cert: Option<ClientCert>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the provider has the usual versions");
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody));
    match cert {
        None => builder.with_no_client_auth(),
        Some(cert) => builder.with_client_auth_cert(cert.chain, cert.key).expect("key and certificate match"),
    }
}

/// Takes any server for what it says it is.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
