use super::State;
use super::pairs::Pairs;
use super::tables::{NodeKey, ServiceKey};
use crate::model::{
    CheckId, HealthCheck, Intention, IntentionId, IntentionTarget, NodeService, ServiceId, ServiceName,
};
use imbl::OrdMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Ways to find rows that follow from the tables, and that no snapshot holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Derived {
    pub(super) services_on: Pairs<NodeKey, ServiceId>,
    /// The checks of a service, or those of the node itself.
    pub(super) checks_of: Pairs<CheckOwner, CheckId>,
    /// Folded service names to instances.
    pub(super) instances: Pairs<Arc<str>, ServiceKey>,
    /// Folded destinations to the instances that accept mesh connections for them.
    pub(super) mesh_instances: Pairs<Arc<str>, ServiceKey>,
    pub(super) node_with_id: OrdMap<uuid::Uuid, NodeKey>,
    pub(super) intention_between: OrdMap<IntentionPair, IntentionId>,
    pub(super) service_at: OrdMap<Ipv4Addr, ServiceName>,
}

pub(super) type CheckOwner = (NodeKey, Option<ServiceId>);

/// The folded names of source and destination; `*`, which is no name, for all.
pub(super) type IntentionPair = (Arc<str>, Arc<str>);

pub(super) fn intention_pair(source: &IntentionTarget, destination: &IntentionTarget) -> IntentionPair {
    let fold = |target: &IntentionTarget| target.as_str().to_ascii_lowercase().into();
    (fold(source), fold(destination))
}

impl Derived {
    /// Everything anew, from decoded tables.
    pub(super) fn of(state: &State) -> Self {
        let mut derived = Self::default();
        for ((node, _), service) in &state.services {
            derived.link_service(node, service);
        }
        for ((node, _), check) in &state.checks {
            derived.link_check(node, check);
        }
        for intention in state.intentions.values() {
            derived.link_intention(intention);
        }
        let identified = state.nodes.iter().filter_map(|(key, node)| Some((node.id?, key.clone())));
        derived.node_with_id = identified.collect();
        derived.service_at = state.virtual_ips.values().map(|ip| (ip.address, ip.service.clone())).collect();
        derived
    }

    pub(super) fn link_service(&mut self, node: &NodeKey, service: &NodeService) {
        let key = (node.clone(), service.id.clone());
        self.services_on.insert(node.clone(), service.id.clone());
        if let Some(destination) = service.connect_destination() {
            self.mesh_instances.insert(destination.folded(), key.clone());
        }
        self.instances.insert(service.name.folded(), key);
    }

    pub(super) fn unlink_service(&mut self, node: &NodeKey, service: &NodeService) {
        let key = (node.clone(), service.id.clone());
        self.services_on.remove(node.clone(), service.id.clone());
        if let Some(destination) = service.connect_destination() {
            self.mesh_instances.remove(destination.folded(), key.clone());
        }
        self.instances.remove(service.name.folded(), key);
    }

    pub(super) fn link_check(&mut self, node: &NodeKey, check: &HealthCheck) {
        self.checks_of.insert((node.clone(), check.service_id.clone()), check.id.clone());
    }

    pub(super) fn unlink_check(&mut self, node: &NodeKey, check: &HealthCheck) {
        self.checks_of.remove((node.clone(), check.service_id.clone()), check.id.clone());
    }

    pub(super) fn link_intention(&mut self, intention: &Intention) {
        let pair = intention_pair(&intention.source, &intention.destination);
        self.intention_between.insert(pair, intention.id);
    }

    pub(super) fn unlink_intention(&mut self, intention: &Intention) {
        self.intention_between.remove(&intention_pair(&intention.source, &intention.destination));
    }
}
