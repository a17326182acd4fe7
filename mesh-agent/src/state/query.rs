use super::tables::ServiceKey;
use super::{State, Topic};
use crate::intention::{self, Side};
use crate::model::{
    AutopilotConfig, CaConfig, CaRoot, CheckStatus, HealthCheck, Intention, IntentionId, IntentionTarget,
    Node, NodeName, NodeService, ServiceName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// One question to the state. The index of its topics is the index of its answer.
pub trait Query: Send + Sync + 'static {
    type Output: Send + 'static;
    /// What wakes somebody who waits for another answer.
    fn topics(&self) -> Vec<Topic>;
    fn run(&self, state: &State) -> Self::Output;
}

/// All nodes, by name.
pub struct ListNodes;

impl Query for ListNodes {
    type Output = Vec<Arc<Node>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Nodes]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.nodes.values().cloned().collect()
    }
}

/// One node with all that is on it.
pub struct GetNode(pub NodeName);

/// What [`GetNode`] finds.
pub struct NodeView {
    pub node: Arc<Node>,
    pub services: Vec<Arc<NodeService>>,
    pub checks: Vec<Arc<HealthCheck>>,
}

impl Query for GetNode {
    type Output = Option<NodeView>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Node(self.0.folded())]
    }
    fn run(&self, state: &State) -> Self::Output {
        let key = self.0.folded();
        let node = state.nodes.get(&key)?.clone();
        let services = state.services_on(&key).cloned().collect();
        Some(NodeView { node, services, checks: state.checks_on(&key).cloned().collect() })
    }
}

/// The nodes at an address, and the services that registered it as their own.
pub struct OwnersOf(pub IpAddr);

impl Query for OwnersOf {
    type Output = (Vec<Arc<Node>>, Vec<ServiceName>);
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Nodes, Topic::Services]
    }
    fn run(&self, state: &State) -> Self::Output {
        let here = |address: &str| address.parse() == Ok(self.0);
        let nodes = state.nodes.values().filter(|n| here(&n.address)).cloned().collect();
        let services: BTreeSet<_> =
            state.services.values().filter(|s| here(&s.address)).map(|s| s.name.clone()).collect();
        (nodes, services.into_iter().collect())
    }
}

/// The names of all services with the tags of their instances.
pub struct ListServices;

impl Query for ListServices {
    type Output = BTreeMap<ServiceName, BTreeSet<String>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Services]
    }
    fn run(&self, state: &State) -> Self::Output {
        let mut names: Self::Output = BTreeMap::new();
        for service in state.services.values() {
            names.entry(service.name.clone()).or_default().extend(service.tags.iter().cloned());
        }
        names
    }
}

/// How the caller wants to reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The instances themselves.
    Direct,
    /// The instances that accept mesh connections for it: its proxies, and itself where it is native.
    Mesh,
}

/// The instances of a service.
pub struct InstancesOf {
    pub service: ServiceName,
    pub through: Through,
}

/// One instance with its node and all checks that bear on it.
#[derive(Clone, Debug)]
pub struct ServiceInstance {
    pub node: Arc<Node>,
    pub service: Arc<NodeService>,
    /// The node's own checks first, then the service's.
    pub checks: Vec<Arc<HealthCheck>>,
}

impl ServiceInstance {
    /// The worst of its checks; an instance without checks is passing.
    pub fn status(&self) -> CheckStatus {
        self.checks.iter().map(|c| c.status).max().unwrap_or(CheckStatus::Passing)
    }

    /// The service's address, or its node's where it has none.
    pub fn address(&self) -> &str {
        if self.service.address.is_empty() { &self.node.address } else { &self.service.address }
    }
}

impl Query for InstancesOf {
    type Output = Vec<ServiceInstance>;
    fn topics(&self) -> Vec<Topic> {
        let name = self.service.folded();
        match self.through {
            Through::Direct => vec![Topic::Service(name)],
            Through::Mesh => vec![Topic::Connect(name)],
        }
    }
    fn run(&self, state: &State) -> Self::Output {
        let index = match self.through {
            Through::Direct => &state.derived.instances,
            Through::Mesh => &state.derived.mesh_instances,
        };
        index.of(self.service.folded()).filter_map(|key| instance(state, key)).collect()
    }
}

fn instance(state: &State, key: &ServiceKey) -> Option<ServiceInstance> {
    let (node, service) = (state.nodes.get(&key.0)?.clone(), state.services.get(key)?.clone());
    let checks = state.checks_of(&key.0, None).chain(state.checks_of(&key.0, Some(&key.1)));
    let checks = checks.cloned().collect();
    Some(ServiceInstance { node, service, checks })
}

/// The checks that belong to a service's instances.
pub struct ServiceChecks(pub ServiceName);

impl Query for ServiceChecks {
    type Output = Vec<Arc<HealthCheck>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Service(self.0.folded())]
    }
    fn run(&self, state: &State) -> Self::Output {
        let instances = state.derived.instances.of(self.0.folded());
        instances.flat_map(|(node, service)| state.checks_of(node, Some(service))).cloned().collect()
    }
}

/// Every check, or those in one state.
pub struct AllChecks(pub Option<CheckStatus>);

impl Query for AllChecks {
    type Output = Vec<Arc<HealthCheck>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Checks]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.checks.values().filter(|c| self.0.is_none_or(|s| c.status == s)).cloned().collect()
    }
}

/// All intentions, highest precedence first.
pub struct ListIntentions;

impl Query for ListIntentions {
    type Output = Vec<Arc<Intention>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Intentions]
    }
    fn run(&self, state: &State) -> Self::Output {
        ranked(state.intentions.values().cloned().collect())
    }
}

/// One intention.
pub struct GetIntention(pub IntentionRead);

/// How an intention is named.
pub enum IntentionRead {
    Id(IntentionId),
    Pair(IntentionTarget, IntentionTarget),
}

impl Query for GetIntention {
    type Output = Option<Arc<Intention>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Intentions]
    }
    fn run(&self, state: &State) -> Self::Output {
        let id = match &self.0 {
            IntentionRead::Id(id) => *id,
            IntentionRead::Pair(source, destination) => state.intention_between(source, destination)?,
        };
        state.intentions.get(&id).cloned()
    }
}

/// The intentions that bear on a service, highest precedence first.
pub struct MatchIntentions {
    pub side: Side,
    pub name: IntentionTarget,
}

impl Query for MatchIntentions {
    type Output = Vec<Arc<Intention>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Intentions]
    }
    fn run(&self, state: &State) -> Self::Output {
        let bears = |i: &&Arc<Intention>| intention::bears_on(i, self.side, &self.name);
        ranked(state.intentions.values().filter(bears).cloned().collect())
    }
}

fn ranked(mut list: Vec<Arc<Intention>>) -> Vec<Arc<Intention>> {
    intention::rank(&mut list);
    list
}

/// How servers are taken in and out; absent until somebody has said it.
pub struct GetAutopilot;

impl Query for GetAutopilot {
    type Output = Option<Arc<AutopilotConfig>>;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Autopilot]
    }
    fn run(&self, state: &State) -> Self::Output {
        state.autopilot.clone()
    }
}

/// The roots and how leaves are made.
pub struct GetCa;

/// What [`GetCa`] finds. There is no key in it.
#[derive(Clone)]
pub struct CaView {
    pub config: Option<Arc<CaConfig>>,
    pub roots: Arc<Vec<CaRoot>>,
    /// What a `SetCa` must expect.
    pub index: u64,
}

impl Query for GetCa {
    type Output = CaView;
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Ca]
    }
    fn run(&self, state: &State) -> Self::Output {
        CaView { config: state.ca_config.clone(), roots: state.ca_roots.clone(), index: state.ca_index() }
    }
}
