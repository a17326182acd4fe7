use super::super::{AgentFacts, AllowedHosts, Control, Deps, HttpLimits, HttpServer, NoTokens};
use crate::catalog::{Catalog, Consensus, ConsensusError, Later};
use crate::clock::{Clock, Timestamp};
use crate::model::{Datacenter, IntentionAction, NodeName};
use crate::policy::PolicyCompiler;
use crate::state::{Command, Outcome, Store};
use crate::task::{Shutdown, TaskGroup};
use axum::body::{Body, Bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One voter that agrees with itself at once.
pub struct OneVoter {
    store: Arc<Store>,
    index: AtomicU64,
    pub leads: AtomicBool,
}

impl Consensus for OneVoter {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        let index = self.index.fetch_add(1, Ordering::SeqCst) + 1;
        let outcome = self.store.apply(index, vec![command]).remove(0);
        Box::pin(async { Ok(outcome) })
    }
    fn confirm_leadership(&self) -> Later<'_, Result<(), ConsensusError>> {
        let leads = self.leads.load(Ordering::SeqCst);
        Box::pin(async move { if leads { Ok(()) } else { Err(ConsensusError::NoLeader) } })
    }
    fn leader(&self) -> Option<String> {
        self.leads.load(Ordering::SeqCst).then(|| "127.0.0.1:8300".to_owned())
    }
    fn peers(&self) -> Vec<String> {
        vec!["127.0.0.1:8300".to_owned()]
    }
}

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

/// A running server with its client. Dropping it ends the server.
pub struct House {
    pub address: SocketAddr,
    pub catalog: Catalog,
    pub voter: Arc<OneVoter>,
    pub control: Arc<FakeControl>,
    client: HyperClient<HttpConnector, Body>,
    _tasks: TaskGroup,
}

/// What the server answered.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
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

pub async fn house() -> House {
    house_with(HttpLimits::default()).await
}

pub async fn house_with(limits: HttpLimits) -> House {
    let store = Arc::new(Store::default());
    let voter =
        Arc::new(OneVoter { store: store.clone(), index: AtomicU64::new(10), leads: AtomicBool::new(true) });
    let catalog = Catalog::new(store, voter.clone());
    let control = Arc::new(FakeControl::default());
    let compiler = PolicyCompiler::new(catalog.clone(), IntentionAction::Allow);
    let deps = Deps {
        catalog: catalog.clone(),
        authorizer: compiler.authorizer(),
        tokens: Arc::new(NoTokens),
        control: control.clone(),
        facts: Arc::new(facts()),
        clock: Clock::manual(Timestamp(1_700_000_000_000)),
    };
    let server = HttpServer::bind("127.0.0.1:0".parse().unwrap(), &deps, limits).unwrap();
    let address = server.address().unwrap();
    let mut tasks = TaskGroup::new();
    tasks.spawn("http", server.run(Shutdown::new()));
    tasks.spawn("policy", compiler.run(Shutdown::new()));
    let client = HyperClient::builder(TokioExecutor::new()).build_http();
    House { address, catalog, voter, control, client, _tasks: tasks }
}

fn facts() -> AgentFacts {
    AgentFacts {
        node: NodeName::new("alpha").unwrap(),
        node_id: uuid::Uuid::from_u128(1),
        datacenter: Datacenter::new("dc1").unwrap(),
        address: "127.0.0.1".to_owned(),
        server: true,
        version: "1.2.4".to_owned(),
        revision: "test".to_owned(),
        default_policy: IntentionAction::Allow,
        debug_config: serde_json::json!({"NodeName": "alpha"}),
        response_headers: vec![("x-house".parse().unwrap(), "rule".parse().unwrap())],
        allowed_hosts: AllowedHosts::new(["alpha".to_owned()]),
    }
}

impl House {
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Got { status: parts.status, headers: parts.headers, text }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Got {
        self.send(Method::PUT, path, &[], &body.to_string()).await
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
