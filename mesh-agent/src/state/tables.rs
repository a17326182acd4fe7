use super::Topic;
use crate::model::{
    CaConfig, CaProviderState, CaRoot, CheckId, HealthCheck, Intention, IntentionId, IntentionTarget, Node,
    NodeName, NodeService, ServiceId, ServiceName,
};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A node's name in lower case: the key of its rows.
pub(super) type NodeKey = Arc<str>;
pub(super) type ServiceKey = (NodeKey, ServiceId);

/// All tables, in persistent maps: a clone costs a microsecond and shares everything.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The index of the last applied write.
    pub(super) applied: u64,
    pub(super) nodes: OrdMap<NodeKey, Arc<Node>>,
    pub(super) services: OrdMap<ServiceKey, Arc<NodeService>>,
    pub(super) checks: OrdMap<(NodeKey, CheckId), Arc<HealthCheck>>,
    pub(super) intentions: OrdMap<IntentionId, Arc<Intention>>,
    pub(super) ca_config: Option<Arc<CaConfig>>,
    pub(super) ca_roots: Arc<Vec<CaRoot>>,
    pub(super) ca_provider: Option<Arc<CaProviderState>>,
    /// Assigned once to each mesh service and never given to another.
    pub(super) virtual_ips: OrdMap<ServiceName, Ipv4Addr>,
    pub(super) indexes: OrdMap<Topic, u64>,
    /// Derived from `services`: folded service name to instances.
    #[serde(skip)]
    pub(super) by_name: OrdMap<Arc<str>, OrdSet<ServiceKey>>,
    /// Derived from `services`: folded destination to the instances that accept its mesh connections.
    #[serde(skip)]
    pub(super) by_destination: OrdMap<Arc<str>, OrdSet<ServiceKey>>,
    /// Derived from `intentions`.
    #[serde(skip)]
    pub(super) by_pair: OrdMap<(IntentionTarget, IntentionTarget), IntentionId>,
}

impl State {
    /// The highest index among `topics`; 1 where nothing was ever written, since clients take 0 for an error.
    pub fn index_of(&self, topics: &[Topic]) -> u64 {
        topics.iter().filter_map(|t| self.indexes.get(t)).copied().max().unwrap_or(1).max(1)
    }

    /// The index of the last applied write.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The key that signs, for the CA provider only.
    pub fn ca_provider(&self) -> Option<&Arc<CaProviderState>> {
        self.ca_provider.as_ref()
    }

    pub fn node(&self, name: &NodeName) -> Option<&Arc<Node>> {
        self.nodes.get(&name.folded())
    }

    /// The virtual address of a mesh service, once it has one.
    pub fn virtual_ip(&self, service: &ServiceName) -> Option<Ipv4Addr> {
        let folded = service.folded();
        self.virtual_ips.iter().find(|(name, _)| name.folded() == folded).map(|(_, ip)| *ip)
    }

    /// Which service a virtual address belongs to.
    pub fn service_of_virtual_ip(&self, ip: Ipv4Addr) -> Option<&ServiceName> {
        self.virtual_ips.iter().find(|(_, own)| **own == ip).map(|(name, _)| name)
    }

    /// Self-describing bytes: fields added later have defaults.
    ///
    /// # Errors
    /// Encoding into memory failed, which no value of these types causes.
    pub fn snapshot(&self) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        rmp_serde::to_vec_named(self)
    }

    /// Makes the derived tables anew, after the others were decoded.
    pub(super) fn rebuild(&mut self) {
        self.by_name = OrdMap::new();
        self.by_destination = OrdMap::new();
        for (key, service) in self.services.clone() {
            self.link(&key, &service);
        }
        self.by_pair =
            self.intentions.values().map(|i| ((i.source.clone(), i.destination.clone()), i.id)).collect();
    }

    pub(super) fn link(&mut self, key: &ServiceKey, service: &NodeService) {
        self.by_name.entry(service.name.folded()).or_default().insert(key.clone());
        if let Some(destination) = service.connect_destination() {
            self.by_destination.entry(destination.folded()).or_default().insert(key.clone());
        }
    }

    pub(super) fn unlink(&mut self, key: &ServiceKey, service: &NodeService) {
        remove_link(&mut self.by_name, &service.name.folded(), key);
        if let Some(destination) = service.connect_destination() {
            remove_link(&mut self.by_destination, &destination.folded(), key);
        }
    }
}

fn remove_link(index: &mut OrdMap<Arc<str>, OrdSet<ServiceKey>>, name: &Arc<str>, key: &ServiceKey) {
    if let Some(keys) = index.get_mut(name) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(name);
        }
    }
}
