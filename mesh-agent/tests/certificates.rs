//! A certificate's way through the rooms: the keeper's request, the CA's signature, the state between them.
//!
//! The ports are wired as an agent wires them, with a state machine of one server in place of Raft.

use futures_util::future::BoxFuture;
use mesh_agent::ca::{CaChange, CaManager, CaStore, CaStoreError, RootPruner, SignRequest};
use mesh_agent::clock::{Clock, Timestamp};
use mesh_agent::leaf::{CertSigner, LeafManager, LeafOptions, SignerError, SigningRequest};
use mesh_agent::model::{CaProviderState, Datacenter, IssuedCert, Opaque, ServiceName};
use mesh_agent::pki::{CertChain, TrustAnchors};
use mesh_agent::state::{CaView, GetCa, Outcome, Query, Store};
use mesh_agent::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const START: u64 = 1_893_456_000;
const HOUR: u64 = 3600;

struct Server {
    store: Store,
    view: watch::Sender<CaView>,
}

impl Server {
    fn new() -> Self {
        let store = Store::default();
        let view = watch::Sender::new(GetCa.run(&store.state()));
        Self { store, view }
    }
}

impl CaStore for Server {
    fn view(&self) -> CaView {
        GetCa.run(&self.store.state())
    }
    fn provider(&self) -> Option<Arc<CaProviderState>> {
        self.store.state().ca_provider().cloned()
    }
    fn set(&self, change: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>> {
        Box::pin(async move {
            let index = self.store.state().applied() + 1;
            match self.store.apply(index, vec![change.into()]).remove(0) {
                Outcome::Refused(refusal) => Err(refusal.into()),
                Outcome::Done { .. } | Outcome::Transaction { .. } => {
                    self.view.send_replace(self.view());
                    Ok(())
                }
            }
        })
    }
}

struct Leader(Arc<CaManager>);

impl CertSigner for Leader {
    fn sign(&self, request: SigningRequest) -> BoxFuture<'_, Result<String, SignerError>> {
        Box::pin(async move {
            let SigningRequest { service, csr_pem } = &request;
            let signed = self.0.sign(SignRequest { csr_pem, service, requester: "node" }).await;
            signed.map(|s| s.chain.to_pem()).map_err(|e| SignerError::Refused { reason: e.to_string() })
        })
    }
}

/// A month of a mesh with three rotations: every leaf is believed under the roots of its day and of the hour before.
#[tokio::test(start_paused = true)]
async fn certificates_outlive_rotations_without_a_gap() {
    let clock = Clock::manual(Timestamp(START * 1000));
    let server = Arc::new(Server::new());
    let datacenter = Datacenter::new("dc1").unwrap();
    let ca = Arc::new(CaManager::new(server.clone(), datacenter.clone(), clock.clone()));
    ca.initialise("consul", &Opaque::new()).await.unwrap();

    let options = LeafOptions { clock: clock.clone(), seed: 1, ..LeafOptions::new(datacenter, None) };
    let (leaves, keeper) = LeafManager::new(options, Arc::new(Leader(ca.clone())), server.view.subscribe());
    let (shutdown, mut tasks) = (Shutdown::new(), TaskGroup::new());
    tasks.spawn("leaf keeper", keeper.run(shutdown.clone()));
    tasks.spawn(
        "pruner",
        RootPruner::new(ca.clone(), Duration::from_secs(HOUR), || true).run(shutdown.clone()),
    );

    let web = leaves.get(&ServiceName::new("web").unwrap()).await.unwrap();
    leaves.fetch(&ServiceName::new("web").unwrap(), 0, Duration::ZERO).await.unwrap();
    let mut before = server.view().roots;
    let mut most_roots = 0;
    for hour in 0..30 * 24 {
        if hour % (10 * 24) == 5 {
            ca.rotate().await.unwrap();
        }
        clock.set(Timestamp((START + hour * HOUR) * 1000));
        tokio::time::sleep(Duration::from_secs(HOUR)).await;
        let now = clock.now().seconds();
        let leaf = web.borrow().clone().expect("there is always a certificate");
        let roots = server.view().roots;
        for known in [&before, &roots] {
            assert_believed(&leaf, known.iter().map(|r| r.root_cert_pem.as_str()), now);
        }
        most_roots = most_roots.max(roots.len());
        before = roots;
    }
    // Three rotations, and each old root was pruned six days after its own.
    assert_eq!((most_roots, before.len()), (2, 1));
    shutdown.begin();
    tasks.finish().await;
}

fn assert_believed<'a>(leaf: &IssuedCert, roots: impl Iterator<Item = &'a str>, now: u64) {
    let chain = CertChain::from_pem(&leaf.cert_pem).expect("what is served is a chain");
    let anchors = TrustAnchors::from_pems(roots).expect("what the state holds are roots");
    anchors.verify(&chain, now).expect("every node believes it");
}
