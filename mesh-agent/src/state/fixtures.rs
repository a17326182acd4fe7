//! Values for tests of this room and the ones above it.

use super::{Command, Registration};
use crate::model::{
    CaRoot, CheckId, CheckStatus, HealthCheck, Intention, IntentionAction, IntentionTarget, Meta, Node,
    NodeService, Opaque, ProxyConfig, RaftIndex, ServiceId, ServiceKind, ServiceName,
};

pub(crate) fn service_name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

pub(crate) fn target(name: &str) -> IntentionTarget {
    IntentionTarget::parse(name).unwrap()
}

pub(crate) fn node(name: &str) -> Node {
    Node {
        id: None,
        name: name.parse().unwrap(),
        address: "10.0.0.1".to_owned(),
        datacenter: "dc1".parse().unwrap(),
        tagged_addresses: Meta::new(),
        meta: Meta::new(),
        index: RaftIndex::default(),
    }
}

pub(crate) fn service(id: &str, name: &str) -> NodeService {
    NodeService { port: 80, ..NodeService::new(ServiceId::new(id).unwrap(), service_name(name)) }
}

/// A sidecar `<destination>-proxy` before `destination`.
pub(crate) fn sidecar(destination: &str) -> NodeService {
    let name = format!("{destination}-proxy");
    let proxy = ProxyConfig {
        destination: service_name(destination),
        destination_id: None,
        local_service_address: None,
        local_service_port: None,
        upstreams: Vec::new(),
        config: Opaque::new(),
        mode: String::new(),
    };
    NodeService { kind: ServiceKind::ConnectProxy, proxy: Some(proxy), ..service(&name, &name) }
}

/// A passing check; of the node itself where `service` is none.
pub(crate) fn check(node: &str, id: &str, service: Option<&str>) -> HealthCheck {
    HealthCheck {
        node: node.parse().unwrap(),
        id: CheckId::new(id).unwrap(),
        name: id.to_owned(),
        status: CheckStatus::Passing,
        notes: String::new(),
        output: String::new(),
        service_id: service.map(|id| ServiceId::new(id).unwrap()),
        service_name: None,
        service_tags: Vec::new(),
        kind: String::new(),
        definition: Opaque::new(),
        index: RaftIndex::default(),
    }
}

pub(crate) fn register(node: Node, services: Vec<NodeService>, checks: Vec<HealthCheck>) -> Command {
    Command::Register(Box::new(Registration { node, skip_node_update: false, services, checks }))
}

pub(crate) fn register_service(node_name: &str, id: &str, name: &str) -> Command {
    register(node(node_name), vec![service(id, name)], Vec::new())
}

pub(crate) fn intention(id: u128, source: &str, destination: &str, action: IntentionAction) -> Intention {
    Intention {
        id: uuid::Uuid::from_u128(id),
        description: String::new(),
        source: target(source),
        destination: target(destination),
        action,
        meta: Meta::new(),
        created_at: 1_000,
        updated_at: 1_000,
        index: RaftIndex::default(),
    }
}

pub(crate) fn root(id: &str, active: bool) -> CaRoot {
    CaRoot {
        id: id.to_owned(),
        name: "root".to_owned(),
        serial: 1,
        signing_key_id: String::new(),
        trust_domain: "11111111-2222-3333-4444-555555555555.consul".to_owned(),
        not_before: 0,
        not_after: 1,
        root_cert_pem: String::new(),
        intermediate_pems: Vec::new(),
        active,
        rotated_out_at: None,
        leaves_expire_at: 0,
        private_key_type: "ec".to_owned(),
        private_key_bits: 256,
        index: RaftIndex::default(),
    }
}
