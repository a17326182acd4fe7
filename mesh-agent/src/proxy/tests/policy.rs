//! Nothing passes that was not allowed, and nothing stays that is no longer.

use super::logs;
use super::pki::uri;
use super::scene::{Rule, Scene, Unreached, assert_reset, connect, echo, eventually, options};
use crate::proxy::{Decision, EngineOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn round_trip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])
}

#[test]
fn a_denied_connection_is_reset_before_the_application_hears_of_it() {
    let scene = Scene::new();
    scene.policy.set(Rule::Deny("intention client => server (deny)"));
    let app = Unreached::new();
    let path = scene.path(app.address);
    let mut stream = path.connect();
    assert_reset(&mut stream);
    app.assert();
    eventually("it is counted", || scene.counters().denied == 1);
    let lines = logs::lines_with(&scene.server);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for words in [&uri(&scene.client), &scene.server, "intention client => server (deny)"] {
        assert!(lines[0].contains(words), "{}", lines[0]);
    }
}

#[test]
fn a_late_answer_is_waited_for() {
    let scene = Scene::new();
    scene.policy.set(Rule::Later(vec![]));
    let path = scene.path(echo());
    let mut stream = path.connect();
    stream.write_all(b"ping").unwrap();
    let mut questions = vec![];
    eventually("the question is asked", || {
        questions.extend(scene.policy.take_questions());
        !questions.is_empty()
    });
    let live = scene.engine.connections().connections();
    assert_eq!(live.len(), 1, "registered before it is authorized");
    assert_eq!(live[0].client.to_string(), uri(&scene.client));
    let (request, answer) = questions.remove(0);
    assert_eq!((request.client, request.serial), (live[0].client.clone(), live[0].serial.clone()));
    answer.give(Decision::allow("asked the server"));
    stream.read_exact(&mut [0; 4]).unwrap();
}

#[test]
fn no_answer_denies() {
    let scene = Scene::with(EngineOptions { authorize_timeout: Duration::from_millis(200), ..options() });
    let app = Unreached::new();
    let path = scene.path(app.address);
    scene.policy.set(Rule::Drop);
    assert_reset(&mut path.connect());
    scene.policy.set(Rule::Later(vec![]));
    let before = Instant::now();
    assert_reset(&mut path.connect());
    assert!(before.elapsed() >= Duration::from_millis(150), "it was not waited for");
    app.assert();
    eventually("both are counted", || scene.counters().denied == 2);
}

#[test]
fn what_comes_in_time_while_the_thread_is_busy_is_not_late() {
    let short = Duration::from_millis(200);
    let scene = Scene::with(EngineOptions { authorize_timeout: short, ..options() });
    scene.policy.set(Rule::Slow(2 * short));
    let path = scene.path(echo());
    round_trip(&mut path.connect()).unwrap();
}

#[test]
fn a_change_of_policy_cuts_the_connections_it_forbids() {
    let scene = Scene::new();
    let path = scene.path(echo());
    let mut stream = path.connect();
    round_trip(&mut stream).unwrap();
    scene.engine.connections().recheck();
    round_trip(&mut stream).expect("what is still allowed stays");
    scene.policy.set(Rule::Deny("intention 7"));
    let before = Instant::now();
    scene.engine.connections().recheck();
    assert_reset(&mut stream);
    assert!(before.elapsed() < Duration::from_secs(1), "a deny cuts within a second");
    eventually("the list is empty", || scene.engine.connections().connections().is_empty());
    assert_eq!(scene.counters().cut, 1);
    assert_eq!(logs::lines_with(&scene.server).len(), 1);
}

#[test]
fn an_open_connection_that_is_not_authorized_again_in_time_is_cut() {
    let scene = Scene::with(EngineOptions { authorize_timeout: Duration::from_millis(300), ..options() });
    let path = scene.path(echo());
    let mut stream = path.connect();
    round_trip(&mut stream).unwrap();
    scene.policy.set(Rule::Later(vec![]));
    scene.engine.connections().recheck();
    assert_reset(&mut stream);
}

#[test]
fn without_an_identity_nothing_passes_in_either_role() {
    let scene = Scene::new();
    let app = Unreached::new();
    let path = scene.path(app.address);
    scene.client_feed.send_replace(None);
    assert_reset(&mut path.connect());
    assert_eq!(scene.counters().without_identity, 1);
    scene.server_feed.send_replace(None);
    assert_reset(&mut connect(path.inbound.local_addr()));
    eventually("both are counted", || scene.counters().without_identity == 2);
    app.assert();
    assert_eq!(logs::lines_with(&scene.server).len(), 2);
}

#[test]
fn a_health_check_that_only_connects_is_no_failure() {
    let scene = Scene::new();
    let inbound = scene.inbound(Unreached::new().address);
    for _ in 0..3 {
        drop(connect(inbound.local_addr()));
    }
    eventually("they are gone", || scene.counters().accepted == 3 && scene.counters().active == 0);
    assert_eq!(scene.counters().handshake_failures, 0);
    assert!(logs::lines_with(&scene.server).is_empty());
}

#[test]
fn plain_bytes_to_an_inbound_listener_reach_nobody() {
    let scene = Scene::new();
    let app = Unreached::new();
    let inbound = scene.inbound(app.address);
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22, 3, 1, 0xff, 0xff], &[0; 64]] {
        let mut stream = connect(inbound.local_addr());
        stream.write_all(noise).unwrap();
        stream.read_to_end(&mut Vec::new()).ok();
    }
    eventually("each is counted", || scene.counters().handshake_failures == 3);
    app.assert();
}
