use super::Topic;
use super::derived::{Derived, intention_pair};
use super::format::Format;
use super::kv::KvTable;
use super::prepared::PreparedTable;
use super::session::SessionTable;
use super::topic_indexes::TopicIndexes;
use crate::model::{
    AutopilotConfig, CaConfig, CaProviderState, CaRoot, CheckId, Coordinate, HealthCheck, Intention,
    IntentionId, IntentionTarget, Node, NodeName, NodeService, ServiceId, ServiceName,
};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A node's name in lower case: the key of its rows.
pub(super) type NodeKey = Arc<str>;
pub(super) type ServiceKey = (NodeKey, ServiceId);
pub(super) type CheckKey = (NodeKey, CheckId);

/// All tables, in persistent maps: a clone costs a microsecond and shares everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    #[serde(default = "Format::unsaid")]
    pub(super) format: Format,
    /// The index of the last applied write.
    pub(super) applied: u64,
    /// How far indexes are ahead of the log's: a restored state may come from a cluster that had written more.
    #[serde(default)]
    pub(super) offset: u64,
    pub(super) nodes: OrdMap<NodeKey, Arc<Node>>,
    pub(super) services: OrdMap<ServiceKey, Arc<NodeService>>,
    pub(super) checks: OrdMap<CheckKey, Arc<HealthCheck>>,
    pub(super) intentions: OrdMap<IntentionId, Arc<Intention>>,
    pub(super) ca_config: Option<Arc<CaConfig>>,
    pub(super) ca_roots: Arc<Vec<CaRoot>>,
    pub(super) ca_provider: Option<Arc<CaProviderState>>,
    /// By folded service name. Assigned once and never given to another service.
    pub(super) virtual_ips: OrdMap<Arc<str>, VirtualIp>,
    #[serde(default)]
    pub(super) kv: KvTable,
    #[serde(default)]
    pub(super) sessions: SessionTable,
    #[serde(default)]
    pub(super) prepared: PreparedTable,
    #[serde(default)]
    pub(super) autopilot: Option<Arc<AutopilotConfig>>,
    #[serde(default)]
    pub(super) coordinates: OrdMap<NodeKey, Coordinate>,
    pub(super) indexes: TopicIndexes,
    #[serde(skip)]
    pub(super) derived: Derived,
}

/// The address under which a mesh service is reached wherever its instances are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VirtualIp {
    pub(super) service: ServiceName,
    pub(super) address: Ipv4Addr,
}

impl State {
    /// The highest index among `topics`; 1 where nothing was ever written, since clients take 0 for an error.
    pub fn index_of(&self, topics: &[Topic]) -> u64 {
        let newest = |topic: &Topic| match topic {
            Topic::Key(key) => self.kv.index_of(key),
            Topic::KeyPrefix(prefix) => self.kv.index_below(prefix),
            topic => self.indexes.newest(topic),
        };
        topics.iter().map(newest).max().unwrap_or(0).max(1)
    }

    /// The index of the last applied write.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// What a `SetCa` must expect: 0 before the first.
    pub(super) fn ca_index(&self) -> u64 {
        self.indexes.of(&Topic::Ca).unwrap_or(0)
    }

    /// The key that signs, for the CA provider only.
    pub fn ca_provider(&self) -> Option<&Arc<CaProviderState>> {
        self.ca_provider.as_ref()
    }

    pub fn node(&self, name: &NodeName) -> Option<&Arc<Node>> {
        self.nodes.get(&name.folded())
    }

    pub fn service(&self, node: &NodeName, id: &ServiceId) -> Option<&Arc<NodeService>> {
        self.services.get(&(node.folded(), id.clone()))
    }

    /// The virtual address of a mesh service, once it has one.
    pub fn virtual_ip(&self, service: &ServiceName) -> Option<Ipv4Addr> {
        self.virtual_ips.get(&service.folded()).map(|ip| ip.address)
    }

    /// Which service a virtual address belongs to.
    pub fn service_of_virtual_ip(&self, ip: Ipv4Addr) -> Option<&ServiceName> {
        self.derived.service_at.get(&ip)
    }

    /// The mesh services that have a virtual address.
    pub fn virtual_ips(&self) -> impl Iterator<Item = (&ServiceName, &Ipv4Addr)> {
        self.virtual_ips.values().map(|ip| (&ip.service, &ip.address))
    }

    /// Self-describing bytes: fields added later have defaults.
    ///
    /// # Errors
    /// Encoding into memory failed, which no value of these types causes.
    pub fn snapshot(&self) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        rmp_serde::to_vec_named(self)
    }

    /// What [`State::snapshot`] encoded.
    pub(super) fn from_snapshot(bytes: &[u8]) -> Result<Self, rmp_serde::decode::Error> {
        let mut state: Self = rmp_serde::from_slice(bytes)?;
        state.format.check()?;
        state.format = Format::default();
        state.derived = Derived::of(&state);
        state.kv = state.kv.restored();
        state.sessions = state.sessions.restored();
        Ok(state)
    }

    pub(super) fn services_on(&self, node: &NodeKey) -> impl Iterator<Item = &Arc<NodeService>> {
        let ids = self.derived.services_on.of(node.clone());
        ids.filter_map(|id| self.services.get(&(node.clone(), id.clone())))
    }

    /// The checks of one service instance, or those of the node itself.
    pub(super) fn checks_of(
        &self,
        node: &NodeKey,
        service: Option<&ServiceId>,
    ) -> impl Iterator<Item = &Arc<HealthCheck>> {
        let ids = self.derived.checks_of.of((node.clone(), service.cloned()));
        ids.filter_map(|id| self.checks.get(&(node.clone(), id.clone())))
    }

    /// All checks of a node and of the services on it.
    pub(super) fn checks_on(&self, node: &NodeKey) -> impl Iterator<Item = &Arc<HealthCheck>> {
        let of_services = self.services_on(node).flat_map(|s| self.checks_of(node, Some(&s.id)));
        self.checks_of(node, None).chain(of_services)
    }

    pub(super) fn intention_between(
        &self,
        source: &IntentionTarget,
        destination: &IntentionTarget,
    ) -> Option<IntentionId> {
        self.derived.intention_between.get(&intention_pair(source, destination)).copied()
    }
}
