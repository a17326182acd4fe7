//! Two services with their proxies in one engine, on real sockets.

use super::logs;
use super::pki::Authority;
use crate::model::{Datacenter, ServiceName};
use crate::proxy::listener::Route;
use crate::proxy::{
    Answer, Authorize, AuthorizeRequest, CounterValues, Decision, Endpoint, Endpoints, Engine, EngineOptions,
    IdentityFeed, InboundSpec, KernelTls, Ktls, ListenerHandle, OutboundSpec, TlsIdentity,
};
use mesh_tests::wait::here;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long anything may take.
pub static PATIENCE: LazyLock<Duration> = LazyLock::new(|| here(Duration::from_secs(20)));

/// Waits until the condition holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + *PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// A policy that a test changes.
pub struct Policy(pub Mutex<Rule>);

pub enum Rule {
    Allow,
    Deny(&'static str),
    /// Answered by the test.
    Later(Vec<(AuthorizeRequest, Answer)>),
    Drop,
    /// Keeps the worker busy for so long, then allows.
    Slow(Duration),
}

impl Policy {
    pub fn new(rule: Rule) -> Arc<Self> {
        Arc::new(Self(Mutex::new(rule)))
    }

    pub fn set(&self, rule: Rule) {
        *self.0.lock().unwrap() = rule;
    }

    /// The questions that wait for the test's answer.
    pub fn take_questions(&self) -> Vec<(AuthorizeRequest, Answer)> {
        match &mut *self.0.lock().unwrap() {
            Rule::Later(questions) => std::mem::take(questions),
            _ => vec![],
        }
    }
}

impl Authorize for Policy {
    fn authorize(&self, request: AuthorizeRequest, answer: Answer) {
        match &mut *self.0.lock().unwrap() {
            Rule::Allow => answer.give(Decision::allow("default allow")),
            Rule::Deny(reason) => answer.give(Decision::deny(*reason)),
            Rule::Later(questions) => questions.push((request, answer)),
            Rule::Drop => drop(answer),
            Rule::Slow(time) => {
                let end = Instant::now() + *time;
                while Instant::now() < end {
                    thread::park_timeout(*time);
                }
                answer.give(Decision::allow("after a while"));
            }
        }
    }
}

pub struct Fixed(pub Vec<SocketAddr>);

impl Endpoints for Fixed {
    fn candidates(&self) -> Vec<Endpoint> {
        self.0.iter().map(|address| Endpoint { address: *address }).collect()
    }
}

pub type Feed = watch::Sender<Option<Arc<TlsIdentity>>>;

/// `client` and `server` have names that no other scene has, so that their log lines can be told apart.
pub struct Scene {
    pub authority: Authority,
    pub engine: Engine,
    pub policy: Arc<Policy>,
    pub client: String,
    pub server: String,
    pub client_feed: Feed,
    pub server_feed: Feed,
}

pub fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Where the kernel can, it takes every connection over: each test of this room then tests that path.
pub static KERNEL_TLS: LazyLock<Option<KernelTls>> = LazyLock::new(|| KernelTls::find(Ktls::On).ok());

pub fn options() -> EngineOptions {
    let short = here(Duration::from_secs(1));
    EngineOptions {
        workers: 2,
        drain: Duration::from_secs(2),
        connect_timeout: 5 * short,
        authorize_timeout: 5 * short,
        handshake_timeout: short,
        ktls: *KERNEL_TLS,
        ..EngineOptions::default()
    }
}

impl Scene {
    pub fn new() -> Self {
        Self::with(options())
    }

    pub fn with(options: EngineOptions) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        logs::collect();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (client, server) = (format!("client-{number}-"), format!("server-{number}-"));
        let authority = Authority::new();
        let client_feed = watch::Sender::new(Some(Arc::new(authority.identity(&client))));
        let server_feed = watch::Sender::new(Some(Arc::new(authority.identity(&server))));
        let engine = Engine::start(options).unwrap();
        Self { authority, engine, policy: Policy::new(Rule::Allow), client, server, client_feed, server_feed }
    }

    pub fn inbound(&self, app: SocketAddr) -> ListenerHandle {
        self.inbound_as(app, self.server_feed.subscribe())
    }

    pub fn inbound_as(&self, app: SocketAddr, identity: IdentityFeed) -> ListenerHandle {
        let service = ServiceName::new(&self.server).unwrap();
        let authorize = self.policy.clone();
        self.engine.inbound(InboundSpec { bind: any(), service, app, identity, authorize }).unwrap()
    }

    pub fn outbound(&self, instances: Vec<SocketAddr>) -> ListenerHandle {
        let spec = OutboundSpec {
            bind: any(),
            source: ServiceName::new(&self.client).unwrap(),
            destination: ServiceName::new(&self.server).unwrap(),
            datacenter: Datacenter::new("dc1").unwrap(),
            identity: self.client_feed.subscribe(),
            endpoints: Arc::new(Fixed(instances)),
        };
        self.engine.outbound(spec).unwrap()
    }

    /// Both roles in front of `app`.
    pub fn path(&self, app: SocketAddr) -> Path {
        let inbound = self.inbound(app);
        let outbound = self.outbound(vec![inbound.local_addr()]);
        Path { inbound, outbound }
    }

    pub fn counters(&self) -> CounterValues {
        self.engine.counters().values()
    }
}

pub fn route_to_nowhere() -> Arc<Route> {
    let spec = InboundSpec {
        bind: any(),
        service: ServiceName::new("nowhere").unwrap(),
        app: any(),
        identity: watch::Sender::new(None).subscribe(),
        authorize: Policy::new(Rule::Drop),
    };
    Arc::new(spec.into())
}

pub struct Path {
    pub inbound: ListenerHandle,
    pub outbound: ListenerHandle,
}

impl Path {
    pub fn connect(&self) -> TcpStream {
        connect(self.outbound.local_addr())
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(*PATIENCE)).unwrap();
    stream.set_write_timeout(Some(*PATIENCE)).unwrap();
    stream
}

/// An application that runs `serve` on a thread for each connection.
pub fn app(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(any()).unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), serve.clone());
            stream.set_read_timeout(Some(*PATIENCE)).unwrap();
            stream.set_write_timeout(Some(*PATIENCE)).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

pub fn echo() -> SocketAddr {
    app(|stream| {
        std::io::copy(&mut &stream, &mut &stream).ok();
    })
}

/// An application that fails the test when a byte or a connection reaches it.
pub struct Unreached {
    pub address: SocketAddr,
    listener: TcpListener,
}

impl Unreached {
    pub fn new() -> Self {
        let listener = TcpListener::bind(any()).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { address: listener.local_addr().unwrap(), listener }
    }

    pub fn assert(&self) {
        let error = self.listener.accept().expect_err("the application was reached");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

/// Reads until the connection breaks; the end of the stream is not a break.
pub fn assert_reset(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => panic!("the stream ended as if it were complete"),
            Ok(_) => {}
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
                    "{error}"
                );
                return;
            }
        }
    }
}
