use super::rows::Rows;
use crate::model::{
    CaConfig, CaRoot, HealthCheck, Intention, IntentionId, Node, NodeService, PreparedQuery, PreparedQueryId,
};
use crate::state::tables::{CheckKey, NodeKey, ServiceKey, VirtualIp};
use crate::state::topic_indexes::TopicIndexes;
use crate::state::{State, Topic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What brings a view of one state to another. There is nothing in it that is secret: the key of the CA
/// stays with the servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ViewChange {
    /// The last write that it contains.
    pub(super) applied: u64,
    pub(super) nodes: Rows<NodeKey, Arc<Node>>,
    pub(super) services: Rows<ServiceKey, Arc<NodeService>>,
    pub(super) checks: Rows<CheckKey, Arc<HealthCheck>>,
    pub(super) intentions: Rows<IntentionId, Arc<Intention>>,
    pub(super) virtual_ips: Rows<Arc<str>, VirtualIp>,
    /// DNS answers from them.
    #[serde(default)]
    pub(super) prepared: Rows<PreparedQueryId, Arc<PreparedQuery>>,
    /// Whole, where anything of it has changed.
    pub(super) ca: Option<ViewedCa>,
    pub(super) topics: Rows<Topic, u64>,
    /// The newest write to a topic that is gone.
    pub(super) forgotten: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ViewedCa {
    pub(super) config: Option<Arc<CaConfig>>,
    pub(super) roots: Arc<Vec<CaRoot>>,
}

impl ViewChange {
    pub fn between(old: &State, new: &State) -> Self {
        Self {
            applied: new.applied,
            nodes: Rows::between(&old.nodes, &new.nodes),
            services: Rows::between(&old.services, &new.services),
            checks: Rows::between(&old.checks, &new.checks),
            intentions: Rows::between(&old.intentions, &new.intentions),
            virtual_ips: Rows::between(&old.virtual_ips, &new.virtual_ips),
            prepared: Rows::between(old.prepared.rows(), new.prepared.rows()),
            ca: changed_ca(old, new),
            topics: changed_topics(&old.indexes, &new.indexes),
            forgotten: new.indexes.forgotten(),
        }
    }

    /// No reader of a view would see a difference.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.ca.is_none()
    }
}

fn changed_ca(old: &State, new: &State) -> Option<ViewedCa> {
    let same = old.ca_config == new.ca_config && old.ca_roots == new.ca_roots;
    (!same).then(|| ViewedCa { config: new.ca_config.clone(), roots: new.ca_roots.clone() })
}

fn changed_topics(old: &TopicIndexes, new: &TopicIndexes) -> Rows<Topic, u64> {
    let mut rows = Rows::between(old.written(), new.written());
    rows.put.retain(|(topic, _)| topic.is_viewed());
    rows.gone.retain(Topic::is_viewed);
    rows
}
