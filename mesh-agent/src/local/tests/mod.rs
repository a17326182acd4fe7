//! The room as its users see it, over a real state machine.

mod checks;
mod configuration;
mod proxies;
mod restart;
mod sync;

use super::*;
use crate::catalog::Catalog;
use crate::catalog::fixtures::{OneVoter, catalog_over};
use crate::clock::{Clock, Timestamp};
use crate::model::*;
use crate::state::{Command, GetNode, InstancesOf, Query, Store, Through};
use crate::task::{Shutdown, TaskGroup};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

fn catalog() -> Catalog {
    catalog_over(Arc::default())
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
        server: None,
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
    let named = NodeService::new(id(name), ServiceName::new(name).unwrap());
    let service = NodeService { tags: vec!["v1".into()], port: 8080, ..named };
    ServiceDefinition { service, checks: Vec::new(), token: String::new(), proxy: None }
}

fn ttl(check: &str, service: Option<&str>) -> CheckDefinition {
    let probe = Probe::Ttl { ttl: Duration::from_secs(30) };
    let named = CheckDefinition::new(check_id(check), check, probe);
    CheckDefinition { service: service.map(id), output_max_size: 8, ..named }
}

fn managed(name: &str) -> ServiceDefinition {
    let managed =
        ManagedProxy { exec_mode: String::new(), command: vec![], config: Opaque::new(), upstreams: vec![] };
    ServiceDefinition { proxy: Some(ProxyRequest::Managed(managed)), ..service(name) }
}

fn sidecar(name: &str, request: SidecarRequest) -> ServiceDefinition {
    ServiceDefinition { proxy: Some(ProxyRequest::Sidecar(Box::new(request))), ..service(name) }
}
