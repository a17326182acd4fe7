use crate::acl::{self, Enforcement, Level, Resource};
use crate::ca::{CaChange, CaManager, CaStore, CaStoreError};
use crate::catalog::fixtures::OneVoter;
use crate::catalog::{Catalog, CatalogError, Later};
use crate::clock::{Clock, Timestamp};
use crate::event::ThisNode;
use crate::gossip::Gossip;
use crate::http::{
    AgentFacts, AllowedHosts, Control, Deps, Elsewhere, Events, HttpLimits, HttpServer, HttpSettings, Leaves,
    Names, NoTokens, Token, Tokens,
};
use crate::leaf::LeafError;
use crate::local::{LocalOptions, LocalState, ScriptPolicy};
use crate::model::{
    CaProviderState, Datacenter, IntentionAction, IssuedCert, NodeName, Opaque, RaftIndex, ServiceName,
};
use crate::policy::PolicyCompiler;
use crate::session::Sessions;
use crate::state::{CaView, GetCa, Query, Store, fixtures};
use crate::task::{Shutdown, TaskGroup};
use crate::telemetry::{LogLevel, Logs, Metrics};
use crate::wire::{PassedAnswer, PassedRequest};
use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Counts what it is asked to do.
#[derive(Default)]
pub struct FakeControl {
    pub reloads: AtomicUsize,
    pub leaves: AtomicUsize,
}

impl Control for FakeControl {
    fn reload(&self) -> Later<'_, Result<(), String>> {
        self.reloads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
    fn leave(&self) -> Later<'_, Result<(), String>> {
        self.leaves.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

/// The CA's state is the catalog's.
struct CatalogCa(Catalog);

impl CaStore for CatalogCa {
    fn view(&self) -> CaView {
        GetCa.run(&self.0.state())
    }
    fn provider(&self) -> Option<Arc<CaProviderState>> {
        self.0.state().ca_provider().cloned()
    }
    fn set(&self, change: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>> {
        Box::pin(async move {
            match self.0.write(change.into()).await {
                Ok(_) => Ok(()),
                Err(CatalogError::Refused(refusal)) => Err(refusal.into()),
                Err(error) => Err(CaStoreError::Unavailable { reason: error.to_string() }),
            }
        })
    }
}

/// The node of these tests, which has no services.
struct Alpha;

impl ThisNode for Alpha {
    fn name(&self) -> String {
        "alpha".to_owned()
    }
    fn services(&self) -> Vec<(String, Vec<String>)> {
        Vec::new()
    }
}

/// Leaves that the test issues.
pub struct FakeLeaves(pub watch::Sender<Option<Arc<IssuedCert>>>);

impl Leaves for FakeLeaves {
    fn fetch<'a>(
        &'a self,
        service: &'a ServiceName,
        above: u64,
        wait: Duration,
    ) -> Later<'a, Result<Arc<IssuedCert>, LeafError>> {
        Box::pin(async move {
            let mut feed = self.0.subscribe();
            let newer = feed.wait_for(|cert| cert.as_ref().is_some_and(|cert| cert.index.modify > above));
            let _ = tokio::time::timeout(wait, newer).await;
            let cert = self.0.borrow().clone();
            cert.ok_or(LeafError::NotYet { service: service.clone(), seconds: wait.as_secs() })
        })
    }
}

impl FakeLeaves {
    pub fn issue(&self, index: u64) {
        self.0.send_replace(Some(Arc::new(IssuedCert {
            service: "web".parse().unwrap(),
            service_uri: "spiffe://x.consul/ns/default/dc/dc1/svc/web".to_owned(),
            serial_number: format!("0{index}"),
            cert_pem: "CERT".to_owned(),
            private_key_pem: "KEY".to_owned(),
            valid_after: 0,
            valid_before: 1,
            root_id: "root".to_owned(),
            index: RaftIndex { create: index, modify: index },
        })));
    }
}

/// A caller to whom nothing is allowed.
/// A server that leads, alone.
struct Alone;

impl Elsewhere for Alone {
    fn leads_here(&self) -> bool {
        true
    }
    fn pass_on(&self, _: PassedRequest, _: Duration) -> Later<'_, Result<PassedAnswer, String>> {
        Box::pin(async { Err("there is nobody else".to_owned()) })
    }
    fn pass_across<'a>(
        &'a self,
        _: &'a Datacenter,
        _: PassedRequest,
        _: Duration,
    ) -> Later<'a, Result<PassedAnswer, String>> {
        Box::pin(async { Err("No path to datacenter".to_owned()) })
    }
    fn datacenters(&self) -> Vec<Datacenter> {
        Vec::new()
    }
}

/// Knows no name.
struct NoNames;

impl Names for NoNames {
    fn answer(&self, _: Vec<u8>) -> Later<'_, Option<Vec<u8>>> {
        Box::pin(async { None })
    }
}

pub struct DenyAll;

impl Tokens for DenyAll {
    fn authorizer(&self, _: &Token) -> Arc<dyn acl::Authorizer> {
        Arc::new(Self)
    }
    fn enabled(&self) -> bool {
        true
    }
}

impl acl::Authorizer for DenyAll {
    fn enforce(&self, _: Resource, _: Level, _: &str) -> Enforcement {
        Enforcement::Default
    }
}

/// A running server with its client. Dropping it ends the server.
pub struct House {
    pub address: SocketAddr,
    pub catalog: Catalog,
    pub voter: Arc<OneVoter>,
    pub control: Arc<FakeControl>,
    pub leaves: Arc<FakeLeaves>,
    /// Where the log that the server shows is written.
    pub dispatch: tracing::Dispatch,
    client: HyperClient<HttpConnector, Body>,
    _tasks: TaskGroup,
}

/// What the server answered.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// What is text of the body.
    pub text: String,
    pub bytes: Bytes,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn index(&self) -> u64 {
        self.header("x-consul-index").parse().unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// What a test wants different.
pub struct Plan {
    pub limits: HttpLimits,
    pub settings: HttpSettings,
    pub tokens: Arc<dyn Tokens>,
    pub gossip: Option<Gossip>,
}

impl Default for Plan {
    fn default() -> Self {
        let settings = HttpSettings {
            response_headers: vec![("x-house".parse().unwrap(), "rule".parse().unwrap())],
            allowed_hosts: AllowedHosts::new(["alpha".to_owned()]),
            ..HttpSettings::default()
        };
        Self { limits: HttpLimits::default(), settings, tokens: Arc::new(NoTokens), gossip: None }
    }
}

pub async fn house() -> House {
    build(Plan::default()).await
}

pub async fn house_with(limits: HttpLimits) -> House {
    build(Plan { limits, ..Plan::default() }).await
}

pub async fn build(plan: Plan) -> House {
    let store = Arc::new(Store::default());
    let voter = OneVoter::new(store.clone());
    let catalog = Catalog::new(store, voter.clone());
    let (control, leaves) =
        (Arc::new(FakeControl::default()), Arc::new(FakeLeaves(watch::Sender::new(None))));
    let compiler = PolicyCompiler::new(catalog.clone(), IntentionAction::Allow);
    let facts = Arc::new(facts());
    let clock = Clock::manual(Timestamp(1_700_000_000_000));
    let ca = CaManager::new(Arc::new(CatalogCa(catalog.clone())), facts.datacenter.clone(), clock.clone());
    ca.initialise("consul", &Opaque::new()).await.unwrap();
    let (logs, dispatch) = Logs::detached(LogLevel::Info);
    let deps = Deps {
        elsewhere: Arc::new(Alone),
        catalog: catalog.clone(),
        local: Arc::new(LocalState::open(local_options())),
        ca: Arc::new(ca),
        leaves: leaves.clone(),
        sessions: Sessions::default(),
        events: Events::of_one(Arc::new(Alpha)),
        authorizer: compiler.authorizer(),
        tokens: plan.tokens,
        control: control.clone(),
        operator: None,
        names: Arc::new(NoNames),
        gossip: plan.gossip,
        wan: None,
        logs,
        metrics: Metrics::default(),
        dataplane: Arc::new(crate::http::DataPlaneFacts::from([("mode".to_owned(), "userspace".to_owned())])),
        facts,
        settings: Arc::new(plan.settings),
        clock,
    };
    let server = HttpServer::bind("127.0.0.1:0".parse().unwrap(), &deps, plan.limits).unwrap();
    let address = server.address().unwrap();
    let mut tasks = TaskGroup::new();
    tasks.spawn("http", server.run(Shutdown::new()));
    tasks.spawn("policy", compiler.run(Shutdown::new()));
    let client = HyperClient::builder(TokioExecutor::new()).build_http();
    House { address, catalog, voter, control, leaves, dispatch, client, _tasks: tasks }
}

fn facts() -> AgentFacts {
    AgentFacts {
        node: NodeName::new("alpha").unwrap(),
        node_id: uuid::Uuid::from_u128(1),
        datacenter: Datacenter::new("dc1").unwrap(),
        primary: None,
        address: "127.0.0.1".parse().unwrap(),
        server_port: 8300,
        serf_port: 8301,
        server: true,
        version: "1.2.4".to_owned(),
        revision: "test".to_owned(),
        default_policy: IntentionAction::Allow,
        metrics_prefix: "mesh".to_owned(),
        debug_config: serde_json::json!({"NodeName": "alpha"}),
    }
}

fn local_options() -> LocalOptions {
    LocalOptions {
        node: fixtures::node("alpha"),
        server: None,
        data_dir: None,
        sidecar_ports: 21000..=21255,
        proxy_ports: 20000..=20255,
        proxy_bind: "127.0.0.1".parse().unwrap(),
        external_sidecars: false,
        proxy_defaults: Opaque::new(),
        scripts: ScriptPolicy::Nobody,
        sync_interval: Duration::from_secs(60),
    }
}

impl House {
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        self.send_bytes(method, path, headers, Bytes::copy_from_slice(body.as_bytes())).await
    }

    pub async fn send_bytes(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Got {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Got { status: parts.status, headers: parts.headers, text, bytes }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Got {
        self.send(Method::PUT, path, &[], &body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, &[], "").await
    }

    /// Sends these bytes as they are and reads until the server closes or five seconds are over.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}
