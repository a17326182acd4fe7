//! The room as its users see it, over a real state machine.

mod checks;
mod configuration;
mod proxies;
mod restart;
mod sync;

use super::*;
use crate::catalog::{Catalog, Consensus, ConsensusError, Later};
use crate::clock::{Clock, Timestamp};
use crate::model::*;
use crate::state::{Command, GetNode, InstancesOf, Outcome, Query, Store, Through};
use crate::task::{Shutdown, TaskGroup};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Applies at once.
#[derive(Default)]
struct Alone {
    store: Arc<Store>,
    index: AtomicU64,
}

impl Consensus for Alone {
    fn write(&self, command: Command) -> Later<'_, Result<Outcome, ConsensusError>> {
        let index = self.index.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = self.store.apply(index, vec![command]).remove(0);
        Box::pin(async move { Ok(outcome) })
    }
    fn confirm_leadership(&self) -> Later<'_, Result<(), ConsensusError>> {
        Box::pin(async { Ok(()) })
    }
    fn leader(&self) -> Option<String> {
        Some("127.0.0.1:8300".into())
    }
    fn peers(&self) -> Vec<String> {
        Vec::new()
    }
}

fn catalog() -> Catalog {
    let store = Arc::new(Store::default());
    Catalog::new(store.clone(), Arc::new(Alone { store, index: AtomicU64::new(1) }))
}

fn options() -> LocalOptions {
    LocalOptions {
        node: Node {
            id: None,
            name: NodeName::new("n1").unwrap(),
            address: "127.0.0.1".into(),
            datacenter: Datacenter::new("dc1").unwrap(),
            tagged_addresses: Meta::new(),
            meta: Meta::new(),
            index: RaftIndex::default(),
        },
        data_dir: None,
        sidecar_ports: 21000..=21255,
        proxy_ports: 20000..=20255,
        proxy_bind: Ipv4Addr::LOCALHOST.into(),
        external_sidecars: false,
        proxy_defaults: Opaque::new(),
        scripts: ScriptPolicy::Nobody,
        sync_interval: Duration::from_secs(60),
    }
}

fn id(name: &str) -> ServiceId {
    ServiceId::new(name).unwrap()
}

fn check_id(name: &str) -> CheckId {
    CheckId::new(name).unwrap()
}

fn service(name: &str) -> ServiceDefinition {
    let service = NodeService {
        id: id(name),
        name: ServiceName::new(name).unwrap(),
        kind: ServiceKind::Typical,
        tags: vec!["v1".into()],
        address: String::new(),
        tagged_addresses: Default::default(),
        port: 8080,
        meta: Meta::new(),
        weights: Weights::default(),
        enable_tag_override: false,
        proxy: None,
        connect_native: false,
        index: RaftIndex::default(),
    };
    ServiceDefinition { service, checks: Vec::new(), token: String::new(), proxy: None }
}

fn ttl(check: &str, service: Option<&str>) -> CheckDefinition {
    CheckDefinition {
        id: check_id(check),
        name: check.into(),
        notes: String::new(),
        service: service.map(id),
        initial: CheckStatus::Critical,
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        success_before_passing: 1,
        failures_before_warning: 1,
        failures_before_critical: 1,
        deregister_critical_after: None,
        output_max_size: 8,
        probe: Probe::Ttl { ttl: Duration::from_secs(30) },
    }
}

fn managed(name: &str) -> ServiceDefinition {
    let managed =
        ManagedProxy { exec_mode: String::new(), command: vec![], config: Opaque::new(), upstreams: vec![] };
    ServiceDefinition { proxy: Some(ProxyRequest::Managed(managed)), ..service(name) }
}

fn sidecar(name: &str, request: SidecarRequest) -> ServiceDefinition {
    ServiceDefinition { proxy: Some(ProxyRequest::Sidecar(Box::new(request))), ..service(name) }
}
