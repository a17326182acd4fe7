use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::model::{CheckStatus, NodeName, ServiceKind};
use crate::state::{GetNode, ListNodes, NodeView, Query, State, Topic};
use crate::wire;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Every node with all that is on it, for the UI.
pub async fn nodes(call: Call) -> Answered {
    let reply = call.read(&AllNodes).await?;
    let shown = reply.map(|views| {
        let seen = views.iter().filter(|view| call.sees_node(&view.node.name));
        seen.map(|view| node_shown(&call, view)).collect::<Vec<_>>()
    });
    call.read_answer(&shown, None)
}

pub async fn node(call: Call) -> Answered {
    let name = NodeName::new(call.named("node name")?)?;
    let reply = call.read(&GetNode(name)).await?;
    let found = reply.value.as_ref().filter(|view| call.sees_node(&view.node.name));
    let shown = node_shown(&call, found.ok_or_else(|| ApiError::not_found("no such node"))?);
    call.read_answer(&reply.map(|_| shown), None)
}

/// Every service with the sum of its instances' health.
pub async fn services(call: Call) -> Answered {
    let reply = call.read(&AllNodes).await?;
    let shown = reply.map(|views| summaries(&call, &views));
    call.read_answer(&shown, None)
}

struct AllNodes;

impl Query for AllNodes {
    type Output = Vec<NodeView>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Nodes, Topic::Services, Topic::Checks]
    }
    fn run(&self, state: &State) -> Self::Output {
        let nodes = ListNodes.run(state).into_iter();
        nodes.filter_map(|node| GetNode(node.name.clone()).run(state)).collect()
    }
}

fn node_shown(call: &Call, view: &NodeView) -> Value {
    let services = view.services.iter().filter(|service| call.sees_service(&service.name));
    let checks = view.checks.iter().filter(|check| call.sees_check(check));
    let node = wire::Node::from(&*view.node);
    json!({
        "ID": node.id,
        "Node": node.node,
        "Address": node.address,
        "TaggedAddresses": node.tagged_addresses,
        "Meta": node.meta,
        "Services": services.map(|service| wire::Service::from(&**service)).collect::<Vec<_>>(),
        "Checks": checks.map(|check| wire::HealthCheck::from(&**check)).collect::<Vec<_>>(),
    })
}

/// One line of the UI's list of services.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    kind: String,
    name: String,
    tags: BTreeSet<String>,
    nodes: BTreeSet<String>,
    instance_count: usize,
    proxy_for: BTreeSet<String>,
    connected_with_proxy: bool,
    connect_native: bool,
    checks_passing: usize,
    checks_warning: usize,
    checks_critical: usize,
}

fn summaries(call: &Call, views: &[NodeView]) -> Vec<Summary> {
    let mut by_name: BTreeMap<String, Summary> = BTreeMap::new();
    for view in views {
        for service in view.services.iter().filter(|service| call.sees_service(&service.name)) {
            by_name.entry(service.name.to_string()).or_default().add(view, service);
        }
    }
    mark_proxied(&mut by_name);
    by_name.into_values().collect()
}

fn mark_proxied(by_name: &mut BTreeMap<String, Summary>) {
    let proxied: Vec<String> = by_name.values().flat_map(|summary| summary.proxy_for.clone()).collect();
    for name in proxied {
        if let Some(summary) = by_name.get_mut(&name) {
            summary.connected_with_proxy = true;
        }
    }
}

impl Summary {
    fn add(&mut self, view: &NodeView, service: &crate::model::NodeService) {
        self.name = service.name.to_string();
        if service.kind == ServiceKind::ConnectProxy {
            "connect-proxy".clone_into(&mut self.kind);
        }
        self.instance_count += 1;
        self.nodes.insert(view.node.name.to_string());
        self.tags.extend(service.tags.iter().cloned());
        self.connect_native |= service.connect_native;
        self.proxy_for.extend(service.proxy.as_ref().map(|proxy| proxy.destination.to_string()));
        let bears = |id: &Option<_>| id.as_ref().is_none_or(|id| *id == service.id);
        for check in view.checks.iter().filter(|check| bears(&check.service_id)) {
            *self.counter(check.status) += 1;
        }
    }

    fn counter(&mut self, status: CheckStatus) -> &mut usize {
        match status {
            CheckStatus::Passing => &mut self.checks_passing,
            CheckStatus::Warning => &mut self.checks_warning,
            CheckStatus::Critical => &mut self.checks_critical,
        }
    }
}
