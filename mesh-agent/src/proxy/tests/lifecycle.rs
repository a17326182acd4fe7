//! Candidates, deadlines, limits, listeners that go, identities that change, shutdown.

use super::logs;
use super::pki::{Authority, uri};
use super::scene::{Scene, Unreached, any, app, assert_reset, connect, echo, eventually, options};
use crate::model::ServiceName;
use crate::proxy::{EngineOptions, InboundSpec};
use crate::task::Shutdown;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn round_trip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])
}

/// An address where nothing listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind(any()).unwrap().local_addr().unwrap()
}

#[test]
fn the_next_instance_is_tried_when_one_refuses_is_silent_or_shows_a_wrong_certificate() {
    let scene = Scene::new();
    let good = scene.inbound(echo());
    let silent = TcpListener::bind(any()).unwrap();
    let wrong_feed = tokio::sync::watch::Sender::new(Some(Arc::new(scene.authority.identity("payments"))));
    let wrong = scene.inbound_as(echo(), wrong_feed.subscribe());
    let candidates = vec![nowhere(), silent.local_addr().unwrap(), wrong.local_addr(), good.local_addr()];
    let outbound = scene.outbound(candidates);
    round_trip(&mut connect(outbound.local_addr())).unwrap();
}

#[test]
fn when_no_instance_is_left_one_line_tells_of_each() {
    let scene = Scene::new();
    let (first, second) = (nowhere(), nowhere());
    let outbound = scene.outbound(vec![first, second]);
    assert_reset(&mut connect(outbound.local_addr()));
    eventually("it is logged", || !logs::lines_with(&scene.server).is_empty());
    let lines = logs::lines_with(&scene.server);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let refused = format!("{first}: it cannot be reached: Connection refused");
    for words in [refused, second.to_string(), uri(&scene.client), uri(&scene.server)] {
        assert!(lines[0].contains(&words), "{words} in {}", lines[0]);
    }
    assert_reset(&mut connect(scene.outbound(vec![]).local_addr()));
    assert_eq!(scene.counters().without_endpoint, 2);
}

#[test]
fn a_destination_without_instances_is_told_once_however_often_it_is_asked_for() {
    let scene = Scene::new();
    let outbound = scene.outbound(vec![]);
    for _ in 0..5 {
        assert_reset(&mut connect(outbound.local_addr()));
    }
    eventually("all are counted", || scene.counters().without_endpoint == 5);
    let lines = logs::lines_with(&scene.server);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("no healthy instance") && lines[0].contains(&scene.client), "{lines:?}");
}

#[test]
fn an_application_that_does_not_answer_is_named() {
    let scene = Scene::new();
    let gone = nowhere();
    let path = scene.path(gone);
    assert_reset(&mut path.connect());
    eventually("it is counted", || scene.counters().without_app == 1);
    assert!(logs::lines_with(&scene.server)[0].contains(&gone.to_string()));
}

#[test]
fn a_slow_handshake_is_cut() {
    let scene = Scene::with(EngineOptions { handshake_timeout: Duration::from_millis(300), ..options() });
    let app = Unreached::new();
    let inbound = scene.inbound(app.address);
    let mut silent = connect(inbound.local_addr());
    let mut dripping = connect(inbound.local_addr());
    let before = Instant::now();
    let mut hello = [22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3].into_iter().chain(std::iter::repeat(0));
    while dripping.write_all(&[hello.next().unwrap()]).is_ok() {
        assert!(before.elapsed() < Duration::from_secs(5), "drop by drop it was kept open");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert_reset(&mut silent);
    assert_eq!(scene.counters().handshake_failures, 2);
    eventually("both are gone", || scene.counters().active == 0);
}

#[test]
fn connections_over_the_limit_are_reset_and_the_others_go_on() {
    let scene = Scene::with(EngineOptions { max_connections: 4, ..options() });
    let path = scene.path(echo());
    let mut open: Vec<_> = (0..2).map(|_| path.connect()).collect();
    open.iter_mut().for_each(|stream| round_trip(stream).unwrap());
    assert_reset(&mut path.connect());
    assert_eq!(scene.counters().over_limit, 1);
    open.iter_mut().for_each(|stream| round_trip(stream).unwrap());
    drop(open);
    eventually("room is made", || scene.counters().active == 0);
    round_trip(&mut path.connect()).unwrap();
}

#[test]
fn a_dropped_listener_refuses_and_its_connections_go_on() {
    let scene = Scene::new();
    let path = scene.path(echo());
    let (address, mut stream) = (path.outbound.local_addr(), path.connect());
    round_trip(&mut stream).unwrap();
    drop(path);
    assert!(TcpStream::connect(address).is_err(), "it still listens");
    round_trip(&mut stream).unwrap();
}

#[test]
fn a_port_can_change_hands_at_once() {
    let scene = Scene::new();
    let mut listener = scene.outbound(vec![]);
    let bind = listener.local_addr();
    for _ in 0..20 {
        drop(listener);
        let identity = scene.server_feed.subscribe();
        let service = ServiceName::new(&scene.server).unwrap();
        let authorize = scene.policy.clone();
        listener =
            scene.engine.inbound(InboundSpec { bind, service, app: any(), identity, authorize }).unwrap();
        assert!(TcpStream::connect(bind).is_ok());
    }
}

#[test]
fn a_new_identity_is_shown_to_new_connections_and_open_ones_do_not_notice() {
    let scene = Scene::new();
    let path = scene.path(echo());
    let mut old = path.connect();
    round_trip(&mut old).unwrap();
    let serial = scene.engine.connections().connections()[0].serial.clone();
    for _ in 0..3 {
        scene.client_feed.send_replace(Some(Arc::new(scene.authority.identity(&scene.client))));
        scene.server_feed.send_replace(Some(Arc::new(scene.authority.identity(&scene.server))));
        round_trip(&mut old).unwrap();
        round_trip(&mut path.connect()).unwrap();
    }
    let mut new = path.connect();
    round_trip(&mut new).unwrap();
    eventually("closed ones are gone", || scene.engine.connections().connections().len() == 2);
    let serials = scene.engine.connections().connections();
    assert_eq!(serials.iter().filter(|live| live.serial == serial).count(), 1);
}

#[test]
fn leaves_under_a_root_that_is_trusted_no_more_are_refused() {
    let mut scene = Scene::new();
    let path = scene.path(echo());
    round_trip(&mut path.connect()).unwrap();
    scene.authority = Authority::new();
    scene.server_feed.send_replace(Some(Arc::new(scene.authority.identity(&scene.server))));
    assert_reset(&mut path.connect());
}

#[test]
fn an_address_in_use_is_an_error_that_says_what_to_do() {
    let scene = Scene::new();
    let taken = TcpListener::bind(any()).unwrap();
    let spec = InboundSpec {
        bind: taken.local_addr().unwrap(),
        service: ServiceName::new("web").unwrap(),
        app: any(),
        identity: scene.server_feed.subscribe(),
        authorize: scene.policy.clone(),
    };
    let error = scene.engine.inbound(spec).err().unwrap().to_string();
    assert!(error.contains("web") && error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
    assert!(error.contains("another port"), "{error}");
}

#[tokio::test]
async fn shutdown_lets_open_connections_end_and_resets_those_that_do_not() {
    let scene = Scene::with(EngineOptions { drain: Duration::from_secs(1), ..options() });
    let path = scene.path(app(|mut stream| {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).ok();
        stream.write_all(&text).ok();
    }));
    let (mut ending, mut staying) = (path.connect(), path.connect());
    ending.write_all(b"ping").unwrap();
    staying.write_all(b"ping").unwrap();
    eventually("both are open", || scene.engine.connections().connections().len() == 2);
    let shutdown = Shutdown::new();
    shutdown.begin();
    let streams = tokio::task::spawn_blocking(move || {
        ending.shutdown(std::net::Shutdown::Write).unwrap();
        ending.read_exact(&mut [0; 4]).unwrap();
        assert_reset(&mut staying);
    });
    scene.engine.clone().run(shutdown).await;
    streams.await.unwrap();
    assert_eq!(scene.counters().active, 0);
}
