use super::super::*;
use crate::clock::Clock;
use crate::pki::cluster::{ClusterTls, JoinSecret, NodeIdentity, NodeRole};
use crate::task::{Shutdown, TaskGroup};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Longer than anything here takes on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The largest body that the handler takes.
pub(super) const LIMIT: usize = 1 << 16;

pub(super) fn secret() -> JoinSecret {
    JoinSecret::parse("MDEyMzQ1Njc4OWFiY2RlZg==").unwrap()
}

fn of(secret: &JoinSecret, datacenter: &str) -> ClusterTls {
    ClusterTls::of_secret(secret, NodeRole::Server, datacenter, Uuid::from_u128(1), Clock::System).unwrap()
}

pub(super) fn tls() -> ClusterTls {
    of(&secret(), "dc1")
}

/// Who does not belong to the cluster.
pub(super) fn strangers() -> Vec<(&'static str, ClusterTls)> {
    let mut nameless = tls();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(crate::pki::AnyServer(provider)))
        .with_no_client_auth();
    let mut config = config;
    config.alpn_protocols = nameless.client.alpn_protocols.clone();
    nameless.client = Arc::new(config);
    vec![
        ("another secret", of(&JoinSecret::generate().unwrap(), "dc1")),
        ("another datacenter", of(&secret(), "dc2")),
        ("no certificate", nameless),
    ]
}

#[derive(Default)]
pub(super) struct TestHandler {
    /// From which of the peer's ports calls came: one for each connection.
    pub(super) ports: Mutex<BTreeSet<u16>>,
    made: Arc<AtomicU32>,
    dropped: Arc<AtomicBool>,
}

/// Says that a stream is not wanted any more.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl TestHandler {
    fn count(&self) -> Reply {
        let (made, dropped) = (self.made.clone(), Dropped(self.dropped.clone()));
        let frames = futures_util::stream::repeat(()).map(move |()| {
            let _keep = &dropped;
            let mut frame = vec![0; 64 << 10];
            frame[..4].copy_from_slice(&made.fetch_add(1, Ordering::AcqRel).to_be_bytes());
            Bytes::from(frame)
        });
        Reply::Frames(frames.boxed())
    }

    /// How many frames were made when no more are.
    pub(super) async fn rests(&self) -> u32 {
        loop {
            let before = self.made.load(Ordering::Acquire);
            tokio::time::sleep(Duration::from_millis(300)).await;
            if self.made.load(Ordering::Acquire) == before {
                return before;
            }
        }
    }

    pub(super) async fn stream_dropped(&self) {
        let dropped = async {
            while !self.dropped.load(Ordering::Acquire) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, dropped).await.expect("the server learns that nobody reads");
    }
}

impl Handler for TestHandler {
    fn most(&self, _: &NodeIdentity, method: &str) -> usize {
        if method == "unknown" { 0 } else { LIMIT }
    }

    fn answer(&self, call: Call) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.ports.lock().unwrap().insert(call.address.port());
        Box::pin(async move {
            match call.method.as_str() {
                "echo" => Ok(Reply::One(call.body)),
                "refuse" => Err(Refusal::new("not today")),
                "count" => Ok(self.count()),
                "stall" => std::future::pending().await,
                other => Err(Refusal::new(format!("no method {other}"))),
            }
        })
    }
}

pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) handler: Arc<TestHandler>,
    pub(super) pool: Pool,
    pub(super) shutdown: Shutdown,
    _tasks: TaskGroup,
}

impl World {
    pub(super) async fn start(limits: RpcLimits) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), limits).await
    }

    pub(super) async fn at(address: SocketAddr, limits: RpcLimits) -> Self {
        let (handler, shutdown) = (Arc::<TestHandler>::default(), Shutdown::new());
        let server = RpcServer::bind(address, &tls(), handler.clone(), limits).unwrap();
        let address = server.address().unwrap();
        let mut tasks = TaskGroup::new();
        tasks.spawn("rpc", server.run(shutdown.clone()));
        Self { address, handler, pool: Pool::new(tls(), limits), shutdown, _tasks: tasks }
    }
}
