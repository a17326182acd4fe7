//! The CA over a real state machine, its signatures under real verifiers.

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::model::{CaProviderState, CaRoot, Datacenter, Opaque, ServiceName};
use crate::pki::{PkiError, TrustAnchors};
use crate::state::{CaView, GetCa, Outcome, Query, Store};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

mod configuration;
mod handshake;
mod rotation;
mod secondary;
mod signing;

/// 2030-01-01.
const START: u64 = 1_893_456_000;
const HOUR: u64 = 3600;

/// The servers' state without the servers.
#[derive(Default)]
struct OneServer {
    store: Store,
    index: AtomicU64,
}

impl CaStore for OneServer {
    fn view(&self) -> CaView {
        GetCa.run(&self.store.state())
    }

    fn provider(&self) -> Option<Arc<CaProviderState>> {
        self.store.state().ca_provider().cloned()
    }

    fn set(&self, change: CaChange) -> BoxFuture<'_, Result<(), CaStoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let index = self.index.fetch_add(1, Ordering::SeqCst) + 10;
            match self.store.apply(index, vec![change.into()]).remove(0) {
                Outcome::Done { .. } | Outcome::Transaction { .. } => Ok(()),
                Outcome::Refused(refusal) => Err(refusal.into()),
            }
        })
    }
}

struct World {
    server: Arc<OneServer>,
    clock: Clock,
    manager: Arc<CaManager>,
}

impl World {
    async fn new() -> Self {
        let world = Self::empty();
        world.manager.initialise("consul", &Opaque::new()).await.unwrap();
        world
    }

    fn empty() -> Self {
        let server = Arc::new(OneServer::default());
        let clock = Clock::manual(Timestamp(START * 1000));
        let datacenter = Datacenter::new("dc1").unwrap();
        let manager = Arc::new(CaManager::new(server.clone(), datacenter, clock.clone()));
        Self { server, clock, manager }
    }

    fn now(&self) -> u64 {
        self.clock.now().seconds()
    }

    fn advance(&self, seconds: u64) {
        self.clock.set(Timestamp((self.now() + seconds) * 1000));
    }

    fn roots(&self) -> Arc<Vec<CaRoot>> {
        self.server.view().roots
    }

    fn trust(&self) -> TrustAnchors {
        trust(&self.roots())
    }

    fn uri(&self, service: &str) -> String {
        format!("spiffe://{}/ns/default/dc/dc1/svc/{service}", self.manager.trust_domain().unwrap())
    }

    async fn sign(&self, csr_pem: &str, service: &str) -> Result<SignedLeaf, CaError> {
        let service = ServiceName::new(service).unwrap();
        self.manager.sign(SignRequest { csr_pem, service: &service, requester: "test" }).await
    }

    /// A certificate for the service, and its key.
    async fn issue(&self, service: &str) -> (SignedLeaf, rcgen::KeyPair) {
        let (csr, key) = request(&self.uri(service));
        (self.sign(&csr, service).await.unwrap(), key)
    }

    async fn configure(&self, config: serde_json::Value) -> Result<(), CaError> {
        self.manager.set_configuration("consul", config.as_object().unwrap()).await
    }
}

fn trust(roots: &[CaRoot]) -> TrustAnchors {
    TrustAnchors::from_pems(roots.iter().map(|r| r.root_cert_pem.as_str())).unwrap()
}

fn request(uri: &str) -> (String, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    (params.serialize_request(&key).unwrap().pem().unwrap(), key)
}
