//! Ends, resets and truncation are passed on as what they are.

use super::pki::{Credentials, Leaf};
use super::scene::{KERNEL_TLS, Path, Scene, any, app, assert_reset, connect, echo, eventually};
use crate::proxy::tests::certificates::{handshake, trusting_client, trusting_server};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A path to an application whose side of the connection the test holds.
fn held() -> (Scene, Path, TcpStream, TcpStream) {
    let scene = Scene::new();
    let (sender, accepted) = mpsc::channel();
    let path = scene.path(app(move |stream| sender.send(stream).unwrap()));
    let near = path.connect();
    let far = accepted.recv_timeout(*super::scene::PATIENCE).unwrap();
    (scene, path, near, far)
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    let (scene, _path, mut near, mut far) = held();
    near.write_all(b"question").unwrap();
    near.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut far), "question");
    far.write_all(b"answer").unwrap();
    drop(far);
    assert_eq!(read_to_end(&mut near), "answer");
    eventually("both sessions are gone", || scene.counters().active == 0);
    assert_eq!(scene.counters().broken, 0);
}

#[test]
fn a_server_may_end_first() {
    let (_scene, _path, mut near, mut far) = held();
    far.write_all(b"banner").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut near), "banner");
    near.write_all(b"thanks").unwrap();
    near.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut far), "thanks");
}

#[test]
fn a_reset_by_the_client_reaches_the_server_as_a_reset() {
    let (scene, _path, near, mut far) = held();
    reset(near);
    assert_reset(&mut far);
    eventually("both sessions are gone", || scene.counters().active == 0);
}

#[test]
fn a_reset_by_the_server_reaches_the_client_as_a_reset() {
    let (_scene, _path, mut near, far) = held();
    reset(far);
    assert_reset(&mut near);
}

#[test]
fn urgent_data_does_not_stop_the_stream() {
    let (_scene, _path, mut near, mut far) = held();
    for _ in 0..50 {
        near.write_all(b"before").unwrap();
        SockRef::from(&near).send_out_of_band(b"!").unwrap();
        near.write_all(b"after!").unwrap();
    }
    near.shutdown(Shutdown::Write).unwrap();
    let text = read_to_end(&mut far);
    assert_eq!(text.matches("before").count(), 50);
    assert_eq!(text.matches("after!").count(), 50);
}

#[test]
fn an_idle_connection_stays_open_past_every_handshake_deadline() {
    let (_scene, _path, mut near, mut far) = held();
    thread::park_timeout(Duration::from_millis(1_500));
    near.write_all(b"still here").unwrap();
    let mut text = [0; 10];
    far.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"still here");
}

#[test]
fn a_peer_that_ends_without_closing_alert_is_not_believed() {
    let scene = Scene::new();
    let Credentials { chain, key } = scene.authority.issue(Leaf::of(&scene.server));
    let listener = TcpListener::bind(any()).unwrap();
    let outbound = scene.outbound(vec![listener.local_addr().unwrap()]);
    let mut near = connect(outbound.local_addr());
    let (stream, _) = listener.accept().unwrap();
    let mut server = trusting_server(chain, key, rustls::ALL_VERSIONS);
    let mut stream = handshake(&mut server, stream).unwrap();
    server.writer().write_all(b"half an answ").unwrap();
    server.write_tls(&mut stream).unwrap();
    let mut text = [0; 12];
    near.read_exact(&mut text).unwrap();
    stream.shutdown(Shutdown::Write).unwrap(); // FIN, and no close_notify before it.
    assert_reset(&mut near);
    eventually("it is counted", || scene.counters().truncated == 1);
}

#[test]
fn rekeying_by_the_peer_goes_unnoticed() {
    if KERNEL_TLS.is_some_and(|kernel| !kernel.rekeys) {
        return rekeying_is_cut_and_counted();
    }
    let scene = Scene::new();
    let Credentials { chain, key } = scene.authority.issue(Leaf::of(&scene.client));
    let inbound = scene.inbound(echo());
    let mut client = trusting_client(Some((chain, key)), &[&rustls::version::TLS13]);
    let stream = connect(inbound.local_addr());
    let mut stream = handshake(&mut client, stream).unwrap();
    for round in 0_u8..20 {
        client.refresh_traffic_keys().unwrap();
        let sent = [round; 1_000];
        let mut back = [0; 1_000];
        let mut tls = rustls::Stream::new(&mut client, &mut stream);
        tls.write_all(&sent).unwrap();
        tls.read_exact(&mut back).unwrap();
        assert_eq!(back, sent);
    }
}

/// Where the kernel has the keys and keeps them.
fn rekeying_is_cut_and_counted() {
    let scene = Scene::new();
    let Credentials { chain, key } = scene.authority.issue(Leaf::of(&scene.client));
    let inbound = scene.inbound(echo());
    let mut client = trusting_client(Some((chain, key)), &[&rustls::version::TLS13]);
    let mut stream = handshake(&mut client, connect(inbound.local_addr())).unwrap();
    let mut back = [0; 5];
    let mut tls = rustls::Stream::new(&mut client, &mut stream);
    tls.write_all(b"hello").unwrap();
    tls.read_exact(&mut back).unwrap();
    client.refresh_traffic_keys().unwrap();
    client.write_tls(&mut stream).unwrap();
    assert_reset(&mut stream);
    eventually("it is counted", || scene.counters().ktls_retired == 1);
}

#[test]
fn tls_1_2_carries_bytes_and_ends_too() {
    let scene = Scene::new();
    let Credentials { chain, key } = scene.authority.issue(Leaf::of(&scene.client));
    let inbound = scene.inbound(echo());
    let mut client = trusting_client(Some((chain, key)), &[&rustls::version::TLS12]);
    let mut stream = handshake(&mut client, connect(inbound.local_addr())).unwrap();
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    let by_kernel = u64::from(KERNEL_TLS.is_some());
    let sent: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    let mut tls = rustls::Stream::new(&mut client, &mut stream);
    for chunk in sent.chunks(10_000) {
        let mut back = vec![0; chunk.len()];
        tls.write_all(chunk).unwrap();
        tls.read_exact(&mut back).unwrap();
        assert_eq!(back, chunk);
    }
    let counters = scene.counters();
    assert_eq!((counters.ktls_sending, counters.ktls_receiving), (by_kernel, by_kernel));
    client.send_close_notify();
    client.write_tls(&mut stream).unwrap();
    let mut rest = Vec::new();
    rustls::Stream::new(&mut client, &mut stream).read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}
