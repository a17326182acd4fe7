//! A transparent listener serves whom the kernel sent, and nobody else.

use super::logs;
use super::pki::uri;
use super::scene::{Fixed, PATIENCE, Policy, Rule, Scene, Unreached, any, assert_reset, connect, echo};
use super::scene::{eventually, options};
use crate::model::{Datacenter, ServiceName};
use crate::proxy::{Captures, EngineOptions, ListenerHandle, TransparentSpec, Way, WaySpec};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The kernel's memory of whom it sent, by the address that they connect from.
#[derive(Default)]
struct Sent(Mutex<HashMap<SocketAddr, Way>>);

impl Captures for Sent {
    fn way(&self, accepted: &TcpStream) -> Option<Way> {
        self.0.lock().unwrap().remove(&accepted.peer_addr().unwrap())
    }
}

struct Captured {
    scene: Scene,
    sent: Arc<Sent>,
    /// What is asked at the source, while the scene's own policy is that of the destination.
    policy: Arc<Policy>,
    listener: ListenerHandle,
}

impl Captured {
    fn new(scene: Scene) -> Self {
        let (sent, policy) = (Arc::new(Sent::default()), Policy::new(Rule::Allow));
        let listener =
            scene.engine.transparent(TransparentSpec { bind: any(), captures: sent.clone() }).unwrap();
        Self { scene, sent, policy, listener }
    }

    fn way(&self, instance: SocketAddr) -> Way {
        Way::new(WaySpec {
            source: ServiceName::new(&self.scene.client).unwrap(),
            destination: ServiceName::new(&self.scene.server).unwrap(),
            datacenter: Datacenter::new("dc1").unwrap(),
            identity: self.scene.client_feed.subscribe(),
            endpoints: Arc::new(Fixed(vec![instance])),
            authorize: self.policy.clone(),
        })
    }

    /// An application that wanted to reach the destination and was sent to the listener.
    fn send(&self, way: &Way) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&any().into()).unwrap();
        let from = socket.local_addr().unwrap().as_socket().unwrap();
        self.sent.0.lock().unwrap().insert(from, way.clone());
        socket.connect(&self.listener.local_addr().into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(*PATIENCE)).unwrap();
        stream
    }
}

fn round_trip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])
}

#[test]
fn who_was_sent_reaches_the_destination_with_an_identity_of_its_own() {
    let captured = Captured::new(Scene::new());
    let inbound = captured.scene.inbound(echo());
    let way = captured.way(inbound.local_addr());
    let mut streams: Vec<_> = (0..3).map(|_| captured.send(&way)).collect();
    streams.iter_mut().for_each(|stream| round_trip(stream).unwrap());
    let live = captured.scene.engine.connections().connections();
    assert_eq!(live.len(), 6, "each is known at both ends");
    for connection in live {
        assert_eq!(connection.client.to_string(), uri(&captured.scene.client));
        assert_eq!(connection.target.as_str(), captured.scene.server);
        assert!(connection.serial.contains(':'), "{}", connection.serial);
    }
    assert_eq!(captured.scene.counters().strangers, 0);
}

#[test]
fn a_stranger_is_reset_counted_and_told_of() {
    let captured = Captured::new(Scene::new());
    let mut stranger = connect(captured.listener.local_addr());
    let from = stranger.local_addr().unwrap().to_string();
    assert_reset(&mut stranger);
    eventually("it is counted", || captured.scene.counters().strangers == 1);
    eventually("it is logged", || !logs::lines_with(&from).is_empty());
    assert!(logs::lines_with(&from)[0].contains("nobody was sent here"), "{:?}", logs::lines_with(&from));
    assert_eq!(captured.scene.counters().active, 0);

    // What others were sent for is not a stranger's to use twice.
    let inbound = captured.scene.inbound(echo());
    round_trip(&mut captured.send(&captured.way(inbound.local_addr()))).unwrap();
    assert_reset(&mut connect(captured.listener.local_addr()));
}

#[test]
fn who_is_denied_is_reset_before_anybody_is_dialled() {
    let captured = Captured::new(Scene::new());
    let instance = Unreached::new();
    captured.policy.set(Rule::Deny("intention client => server (deny)"));
    assert_reset(&mut captured.send(&captured.way(instance.address)));
    instance.assert();
    eventually("it is counted", || captured.scene.counters().denied == 1);
    let lines = logs::lines_with(&captured.scene.server);
    assert!(lines.len() == 1 && lines[0].contains("intention client => server (deny)"), "{lines:#?}");
}

#[test]
fn a_deny_cuts_open_connections_at_the_source_too() {
    let captured = Captured::new(Scene::new());
    let inbound = captured.scene.inbound(echo());
    let mut stream = captured.send(&captured.way(inbound.local_addr()));
    round_trip(&mut stream).unwrap();
    captured.scene.engine.connections().recheck();
    round_trip(&mut stream).expect("what is still allowed stays");
    // The destination's agent has not heard of it yet.
    captured.policy.set(Rule::Deny("intention 7"));
    captured.scene.engine.connections().recheck();
    assert_reset(&mut stream);
    eventually("both ends are gone", || captured.scene.engine.connections().connections().is_empty());
    assert_eq!(captured.scene.counters().cut, 1);
}

#[test]
fn no_answer_denies() {
    let short = Duration::from_millis(200);
    let captured = Captured::new(Scene::with(EngineOptions { authorize_timeout: short, ..options() }));
    let instance = Unreached::new();
    for silence in [Rule::Drop, Rule::Later(vec![])] {
        captured.policy.set(silence);
        assert_reset(&mut captured.send(&captured.way(instance.address)));
    }
    instance.assert();
    eventually("both are counted", || captured.scene.counters().denied == 2);
}

#[test]
fn without_an_identity_nothing_passes() {
    let captured = Captured::new(Scene::new());
    let instance = Unreached::new();
    captured.scene.client_feed.send_replace(None);
    assert_reset(&mut captured.send(&captured.way(instance.address)));
    eventually("it is counted", || captured.scene.counters().without_identity == 1);
    instance.assert();
}
