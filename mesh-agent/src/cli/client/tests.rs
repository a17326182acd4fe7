//! The client against real sockets.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

const NODES: &str = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n[{\"Node\":\"one\"}]";

/// Answers one request and returns it.
fn serve_one(mut stream: impl Read + Write, answer: &str) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        request.push(byte[0]);
    }
    stream.write_all(answer.as_bytes()).unwrap();
    String::from_utf8(request).unwrap()
}

fn tcp(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (address, std::thread::spawn(move || serve_one(listener.accept().unwrap().0, answer)))
}

fn config(endpoint: Endpoint, tls: TlsFiles) -> ClientConfig {
    ClientConfig { endpoint, token: Some("secret".to_owned()), basic_auth: None, tls }
}

fn client(authority: &str) -> Client {
    let endpoint = Endpoint::Tcp { authority: authority.to_owned(), tls: false };
    Client::new(&config(endpoint, TlsFiles::default())).unwrap()
}

#[tokio::test]
async fn a_request_carries_query_and_token_and_its_answer_is_typed() {
    let (address, server) = tcp(NODES);
    let nodes = client(&address).nodes(&Query::new().with("dc", "east 1")).await.unwrap();
    assert_eq!(nodes[0].node, "one");
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /v1/catalog/nodes?dc=east+1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-consul-token: secret\r\n"), "{request}");
}

#[tokio::test]
async fn a_refusal_shows_status_and_text() {
    let (address, server) = tcp("HTTP/1.1 403 Forbidden\r\nContent-Length: 17\r\n\r\nPermission denied");
    let error = client(&address).reload().await.unwrap_err();
    assert_eq!(error.to_string(), "Unexpected response code: 403 (Permission denied)");
    assert_eq!(error.status(), Some(403));
    server.join().unwrap();
}

#[tokio::test]
async fn answers_that_are_no_json_or_cut_short_are_errors() {
    for answer in
        ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[{", NODES.trim_end_matches(']'), "nonsense\r\n\r\n"]
    {
        let (address, server) = tcp(answer);
        assert!(client(&address).datacenters().await.is_err(), "{answer}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let text = client(&address).datacenters().await.unwrap_err().to_string();
    assert!(text.contains(&address) && text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_unix_socket_is_an_address_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mesh.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        serve_one(listener.accept().unwrap().0, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[\"dc1\"]")
    });
    let client = Client::new(&config(Endpoint::Unix(path), TlsFiles::default())).unwrap();
    assert_eq!(client.datacenters().await.unwrap(), ["dc1"]);
    server.join().unwrap();
}

/// A server with a certificate of its own, and the file that vouches for it.
fn https(directory: &Path) -> (String, PathBuf, JoinHandle<bool>) {
    let certified = rcgen::generate_simple_self_signed(["agent.mesh".to_owned()]).unwrap();
    let file = directory.join("ca.pem");
    std::fs::write(&file, certified.cert.pem()).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let mut tcp = listener.accept().unwrap().0;
        let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let shaken = tls.complete_io(&mut tcp).is_ok();
        if shaken {
            let stream = rustls::Stream::new(&mut tls, &mut tcp);
            serve_one(stream, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[\"dc1\"]");
        }
        shaken
    });
    (address, file, server)
}

async fn over_tls(files: impl FnOnce(PathBuf) -> TlsFiles) -> Result<Vec<String>, ClientError> {
    let directory = tempfile::tempdir().unwrap();
    let (authority, file, server) = https(directory.path());
    let endpoint = Endpoint::Tcp { authority, tls: true };
    let answer = Client::new(&config(endpoint, files(file))).unwrap().datacenters().await;
    server.join().unwrap();
    answer
}

#[tokio::test]
async fn an_agent_is_believed_over_tls_only_with_a_certificate_for_its_name() {
    let name = || Some("agent.mesh".to_owned());
    let trusted = over_tls(|ca| TlsFiles {
        ca_file: Some(ca),
        server_name: name(),
        verify: true,
        ..Default::default()
    });
    assert_eq!(trusted.await.unwrap(), ["dc1"]);
    let misnamed = over_tls(|ca| TlsFiles { ca_file: Some(ca), verify: true, ..Default::default() });
    assert!(misnamed.await.is_err());
    let unknown = over_tls(|_| TlsFiles { server_name: name(), verify: true, ..Default::default() });
    assert!(unknown.await.is_err());
    let unverified = over_tls(|_| TlsFiles { verify: false, ..Default::default() });
    assert_eq!(unverified.await.unwrap(), ["dc1"]);
}

#[test]
fn tls_files_that_cannot_be_used_are_named() {
    let endpoint = || Endpoint::Tcp { authority: "127.0.0.1:1".to_owned(), tls: true };
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for file in [PathBuf::from("/no/such.pem"), empty] {
        let files = TlsFiles { ca_file: Some(file.clone()), verify: true, ..Default::default() };
        let error = Client::new(&config(endpoint(), files)).err().unwrap().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
    let half = TlsFiles { client_cert: Some("/some.pem".into()), verify: true, ..Default::default() };
    assert!(Client::new(&config(endpoint(), half)).err().unwrap().to_string().contains("-client-key"));
}
