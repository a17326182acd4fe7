//! Three servers and a client agent, over real sockets.

use super::*;
use crate::ca::{CaChange, CaManager, CaStore, CaStoreError};
use crate::catalog::{Catalog, ClientAgreement, Consistency, Later, ReadOptions, Servers as _};
use crate::clock::Clock;
use crate::model::CaProviderState;
use crate::pki::cluster::{ClusterTls, JoinSecret, NodeIdentity, NodeRole};
use crate::raft::{Founding, RaftNode, RaftOptions, Storage};
use crate::rpc::{Call, Handler, Pool, Refusal, Reply, RpcLimits, RpcServer};
use crate::state::fixtures::register_service;
use crate::state::{CaView, GetCa, ListServices, Query, Store};
use crate::task::{Shutdown, TaskGroup};
use crate::view::{Keeper, Source as _};
use crate::wire::{PassedAnswer, PassedRequest};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(30);

/// A CA that nobody has set up.
struct NoCa(Arc<Store>);

impl CaStore for NoCa {
    fn view(&self) -> CaView {
        GetCa.run(&self.0.state())
    }
    fn provider(&self) -> Option<Arc<CaProviderState>> {
        None
    }
    fn set(&self, _: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>> {
        Box::pin(async { Err(CaStoreError::Unavailable { reason: "a test has no CA".to_owned() }) })
    }
}

fn tls(secret: &JoinSecret, role: NodeRole) -> ClusterTls {
    ClusterTls::of_secret(secret, role, "dc1", Uuid::new_v4(), Clock::System).unwrap()
}

/// No API behind the door.
struct NoPages;

impl Pages for NoPages {
    fn answer(&self, _: PassedRequest) -> Later<'_, Result<PassedAnswer, String>> {
        Box::pin(async { Err("a test has no API".to_owned()) })
    }
}

struct Node {
    raft: Arc<RaftNode>,
    catalog: Catalog,
    shutdown: Shutdown,
    _tasks: TaskGroup,
}

/// Whichever port the kernel has free now.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn server(id: u64, address: SocketAddr, secret: &JoinSecret) -> Node {
    let (store, shutdown, mut tasks) = (Arc::<Store>::default(), Shutdown::new(), TaskGroup::new());
    let tls = tls(secret, NodeRole::Server);
    let pool = Pool::new(tls.clone(), RpcLimits::default());
    let options =
        RaftOptions { founding: Founding::Together, ..RaftOptions::new(id, address, Storage::Memory) };
    let wire = Arc::new(RaftWire::new(tls.clone()));
    let raft = Arc::new(RaftNode::start(options, store.clone(), wire, shutdown.clone()).await.unwrap());
    let agreement = Arc::new(ServerAgreement::new(raft.clone(), Some(pool)));
    let acquaintances = Acquaintances::new(raft.clone(), id, address, 3, None).await.unwrap();
    let door = PeerDoor {
        datacenter: "dc1".parse().unwrap(),
        pages: Arc::new(NoPages),
        raft: raft.clone(),
        store: store.clone(),
        agreement: agreement.clone(),
        ca: Arc::new(CaManager::new(Arc::new(NoCa(store.clone())), "dc1".parse().unwrap(), Clock::System)),
        acquaintances: Arc::new(acquaintances),
    };
    let rpc = RpcServer::bind(address, &tls, Arc::new(door), RpcLimits::default()).unwrap();
    tasks.spawn("rpc", rpc.run(shutdown.clone()));
    Node { raft, catalog: Catalog::new(store, agreement), shutdown, _tasks: tasks }
}

struct Cluster {
    secret: JoinSecret,
    nodes: BTreeMap<u64, Node>,
    addresses: BTreeMap<u64, SocketAddr>,
}

impl Cluster {
    async fn founded() -> Self {
        let secret = JoinSecret::generate().unwrap();
        let addresses: BTreeMap<u64, SocketAddr> = (1..=3).map(|id| (id, free())).collect();
        let mut nodes = BTreeMap::new();
        for (id, address) in &addresses {
            nodes.insert(*id, server(*id, *address, &secret).await);
        }
        nodes[&1].raft.found(&addresses).await.unwrap();
        let cluster = Self { secret, nodes, addresses };
        cluster.leader().await;
        cluster
    }

    async fn leader(&self) -> u64 {
        let led = async {
            loop {
                if let Some((id, _)) = self.nodes.iter().find(|(_, node)| node.raft.leads()) {
                    return *id;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, led).await.expect("a leader")
    }

    async fn followers(&self) -> Vec<u64> {
        let leader = self.leader().await;
        self.nodes.keys().copied().filter(|id| *id != leader).collect()
    }

    fn client(&self, secret: &JoinSecret) -> (Catalog, TaskGroup) {
        let pool = Pool::new(tls(secret, NodeRole::Client), RpcLimits::default());
        let known: Vec<SocketAddr> = self.addresses.values().copied().collect();
        let servers = Arc::new(RemoteServers::new(pool, Arc::new(move || known.clone())));
        let store = Arc::<Store>::default();
        let keeper = Keeper::new(store.clone(), servers.clone(), None);
        let agreement = ClientAgreement::new(servers, store.clone(), keeper.heard());
        let mut tasks = TaskGroup::new();
        tasks.spawn("view", keeper.run(Shutdown::new()));
        (Catalog::new(store, Arc::new(agreement)), tasks)
    }

    async fn kill(&mut self, id: u64) {
        let node = self.nodes.remove(&id).unwrap();
        node.shutdown.begin();
        timeout(DEADLINE, node.raft.stopped()).await.unwrap().unwrap();
    }
}

async fn services(catalog: &Catalog, consistency: Consistency) -> usize {
    let options = ReadOptions { consistency, ..ReadOptions::default() };
    catalog.read(&ListServices, &options).await.unwrap().value.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_follower_was_asked_to_write_it_reads_at_once_and_so_do_the_others() {
    let cluster = Cluster::founded().await;
    for (count, id) in (1..).zip(cluster.followers().await) {
        let follower = &cluster.nodes[&id].catalog;
        follower.write(register_service("n1", &format!("s{id}"), &format!("s{id}"))).await.unwrap();
        assert_eq!(services(follower, Consistency::Stale).await, count, "at the server that was asked");
        for node in cluster.nodes.values() {
            assert_eq!(services(&node.catalog, Consistency::Consistent).await, count);
            assert_eq!(services(&node.catalog, Consistency::Default).await, count);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_agent_writes_through_any_server_and_reads_its_own_view() {
    let mut cluster = Cluster::founded().await;
    let (client, _tasks) = cluster.client(&cluster.secret);
    client.write(register_service("n9", "web", "web")).await.unwrap();
    assert_eq!(services(&client, Consistency::Stale).await, 1, "its own write is in its view");
    cluster.nodes.values().next().unwrap().catalog.write(register_service("n1", "db", "db")).await.unwrap();
    assert_eq!(services(&client, Consistency::Default).await, 2);
    assert!(client.leader().is_some());
    // Whichever server it follows, it goes on without the leader.
    cluster.kill(cluster.leader().await).await;
    cluster.leader().await;
    client.write(register_service("n9", "api", "api")).await.unwrap();
    assert_eq!(services(&client, Consistency::Consistent).await, 3);
}

/// Takes every question and answers none.
struct Hidden;

impl Handler for Hidden {
    fn most(&self, _: &NodeIdentity, _: &str) -> usize {
        1 << 20
    }
    fn answer(&self, _: Call) -> BoxFuture<'_, Result<Reply, Refusal>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_does_not_wait_for_a_server_that_was_given_up() {
    let cluster = Cluster::founded().await;
    let (hidden, good) = (free(), *cluster.addresses.values().next().unwrap());
    let tls_here = tls(&cluster.secret, NodeRole::Server);
    let rpc = RpcServer::bind(hidden, &tls_here, Arc::new(Hidden), RpcLimits::default()).unwrap();
    let mut tasks = TaskGroup::new();
    tasks.spawn("rpc", rpc.run(Shutdown::new()));
    let pool = Pool::new(tls(&cluster.secret, NodeRole::Client), RpcLimits::default());
    let known = Arc::new(std::sync::Mutex::new(vec![hidden]));
    let shown = known.clone();
    let servers = RemoteServers::new(pool, Arc::new(move || shown.lock().unwrap().clone()));
    let (reader, writer) = (servers.clone(), servers.clone());
    let began = std::time::Instant::now();
    let read = async { reader.newest(Consistency::Default).await };
    let write = timeout(Duration::from_secs(3), writer.write(register_service("n1", "web", "web")));
    let give_up = async {
        sleep(Duration::from_millis(500)).await;
        known.lock().unwrap().push(good);
        servers.avoid();
    };
    let (read, written, ()) = tokio::join!(read, write, give_up);
    read.unwrap();
    assert!(written.is_err(), "a write may have been taken: nobody else is asked");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(services(&cluster.nodes[&1].catalog, Consistency::Consistent).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_secret_nobody_gets_anything() {
    let cluster = Cluster::founded().await;
    let (stranger, _tasks) = cluster.client(&JoinSecret::generate().unwrap());
    stranger.write(register_service("n9", "web", "web")).await.unwrap_err();
    assert_eq!(services(&stranger, Consistency::Stale).await, 0);
    assert_eq!(services(&cluster.nodes[&1].catalog, Consistency::Default).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_writes_nothing_and_says_so() {
    let mut cluster = Cluster::founded().await;
    for id in cluster.followers().await {
        cluster.kill(id).await;
    }
    let last = cluster.nodes.values().next().unwrap();
    let refused = last.catalog.write(register_service("n1", "web", "web")).await.unwrap_err().to_string();
    assert!(refused.contains("may still take effect") || refused.contains("No cluster leader"), "{refused}");
    assert_eq!(services(&last.catalog, Consistency::Stale).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_another_datacenter_call_nothing_that_is_for_this_one() {
    let cluster = Cluster::founded().await;
    let server = *cluster.addresses.values().next().unwrap();
    let pool = |role| {
        let tls = ClusterTls::of_secret(&cluster.secret, role, "dc2", Uuid::new_v4(), Clock::System).unwrap();
        Pool::new(tls.towards("dc1").unwrap(), RpcLimits::default())
    };
    let (theirs, client) = (pool(NodeRole::Server), pool(NodeRole::Client));
    for method in ["raft", "lead", "operate", "write", "newest", "follow", "sign", "configure-ca", "status"] {
        let refused = theirs.call::<_, ()>(server, method, &(), DEADLINE).await.unwrap_err().to_string();
        assert!(refused.contains("may not call"), "{method}: {refused}");
    }
    for method in ["api", "replicate", "sign-intermediate"] {
        let refused = client.call::<_, ()>(server, method, &(), DEADLINE).await.unwrap_err().to_string();
        assert!(refused.contains("may not call"), "{method}: {refused}");
    }
    let uri = "/v1/catalog/nodes".to_owned();
    let request =
        PassedRequest { origin: None, method: "GET".to_owned(), uri, token: None, body: Vec::new(), hops: 1 };
    let answer: Result<PassedAnswer, String> = theirs.call(server, "api", &request, DEADLINE).await.unwrap();
    assert_eq!(answer.unwrap_err(), "a test has no API");
}
