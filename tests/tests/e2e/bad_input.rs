//! Bad input at every door: a clear refusal, and nothing else breaks.

use hickory_proto::rr::RecordType;
use mesh_tests::agent::{curl, wait_for_text};
use mesh_tests::tls::{self, ClientCert};
use mesh_tests::{DemoService, PortBlock, TestAgent, dns, eventually, http};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn http_survives_what_is_not_http() {
    let agent = TestAgent::start();
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1 << 20));
    let garbage: [&[u8]; 6] = [
        b"\x16\x03\x01\x00\x05hello",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PUT /v1/agent/service/register HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"PUT /v1/agent/service/register HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{]}",
        b"\0\0\0\0\r\n\r\n",
        long.as_bytes(),
    ];
    for bytes in garbage {
        if let Ok(answer) = http::exchange(agent.http_port, bytes) {
            let text = String::from_utf8_lossy(&answer);
            assert!(text.is_empty() || text.starts_with("HTTP/1.") && text[9..].starts_with('4'), "{text}");
        }
    }
    assert_eq!(agent.get("/v1/status/leader").status, 200);
}

#[test]
fn half_open_and_slow_clients_do_not_keep_others_out() {
    let agent = TestAgent::start();
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(("127.0.0.1", agent.http_port)).unwrap();
        stream.write_all(b"PUT /v1/agent/service/register HTTP/1.1\r\nContent-Le").unwrap();
        held.push(stream);
        held.push(TcpStream::connect(("127.0.0.1", agent.dns_port)).unwrap());
    }
    assert_eq!(agent.get("/v1/status/leader").status, 200);
    assert_eq!(dns::ask(agent.dns_port, "test-node.node.consul.", RecordType::A).answers.len(), 1);
}

#[test]
fn dns_survives_what_is_no_question() {
    let agent = TestAgent::start();
    let question = dns::question("test-node.node.consul.", RecordType::A);
    let mut response = question.clone();
    response[2] |= 0x80;
    let mut many = question.clone();
    many[5] = 255;
    let mut looped = question[..12].to_vec();
    looped.extend([0xc0, 0x0c, 0, 1, 0, 1]);
    let garbage =
        [vec![], vec![0], vec![0xff; 12], vec![0xff; 4096], question[..20].to_vec(), response, many, looped];
    for bytes in garbage {
        if let Some(answer) = dns::exchange_udp(agent.dns_port, &bytes, Duration::from_millis(200)) {
            assert!(
                answer.len() < 512 && answer.get(3).is_some_and(|flags| flags & 15 != 0),
                "{bytes:?} {answer:?}"
            );
        }
    }
    assert_eq!(dns::ask(agent.dns_port, "test-node.node.consul.", RecordType::A).answers.len(), 1);
}

#[test]
fn a_public_listener_lets_in_only_services_of_this_mesh() {
    let ports = PortBlock::claim();
    let (app, local) = (DemoService::start(ports.take(), "guarded"), ports.take());
    let agent = TestAgent::start();
    agent.register(&json!({"Name": "db", "Port": app.port(), "Connect": {"SidecarService": {}}}));
    agent.register(&json!({"Name": "web", "Port": ports.take(), "Connect": {"SidecarService": {"Proxy": {
        "Upstreams": [{"DestinationName": "db", "LocalBindPort": local}]}}}}));
    wait_for_text(local, "guarded");
    let public =
        u16::try_from(agent.get_json("/v1/agent/service/db-sidecar-proxy")["Port"].as_u64().unwrap())
            .unwrap();
    let domain = agent.get_json("/v1/agent/connect/ca/roots")["TrustDomain"].as_str().unwrap().to_owned();
    // What checks and earlier requests brought is in before the count.
    let before = eventually("no connection is under way", || {
        let count = app.connections();
        (curl(local).is_ok() && app.connections() == count + 1).then(|| app.connections())
    });

    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(http::exchange(public, request).is_err_or_not_http(), "plain HTTP");
    let forged = format!("spiffe://{domain}/ns/default/dc/dc1/svc/web");
    let certs = [None, Some(ClientCert::self_signed(&forged)), Some(ClientCert::self_signed("urn:nobody"))];
    for cert in certs {
        let answer = tls::exchange(public, cert, request).unwrap_or_default();
        assert!(answer.is_empty(), "{:?}", String::from_utf8_lossy(&answer));
    }
    let _half_open: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(("127.0.0.1", public)).unwrap()).collect();
    assert_eq!(app.connections(), before, "nothing reached the application");
    assert_eq!(curl(local).unwrap(), "guarded");
}

/// Whether a peer that speaks no HTTP stayed silent or hung up.
trait NotHttp {
    fn is_err_or_not_http(&self) -> bool;
}

impl NotHttp for std::io::Result<Vec<u8>> {
    fn is_err_or_not_http(&self) -> bool {
        self.as_ref().map_or(true, |answer| !answer.starts_with(b"HTTP"))
    }
}
