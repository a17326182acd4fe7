use super::ViewChange;
use super::rows::Rows;
use crate::state::tables::VirtualIp;
use crate::state::{State, Topic};
use std::sync::Arc;

/// A server showed a state that is older than what was seen already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a server has shown its state of index {shown}, which is older than index {seen}, seen before: another server is asked"
)]
pub struct Behind {
    pub shown: u64,
    pub seen: u64,
}

impl State {
    /// The state after a change, and the topics whose readers must look again.
    pub(in crate::state) fn followed(&self, change: ViewChange) -> Result<(Self, Vec<Topic>), Behind> {
        self.check_newer(&change)?;
        let changed = change.topics.keys().cloned().collect();
        let mut next = self.clone();
        next.follow(change);
        Ok((next, changed))
    }

    /// The state that is this whole view, and the topics in which it differs from what was shown so far.
    pub(in crate::state) fn replaced(&self, whole: ViewChange) -> Result<(Self, Vec<Topic>), Behind> {
        if !self.is_of_another_cluster(&whole) {
            self.check_newer(&whole)?;
        }
        let mut next = Self::default();
        next.follow(whole);
        let differing = ViewChange::between(self, &next).topics;
        Ok((next, differing.keys().cloned().collect()))
    }

    /// Its servers were made anew: no index of theirs compares with what was seen.
    fn is_of_another_cluster(&self, whole: &ViewChange) -> bool {
        let shown = whole.ca.as_ref().and_then(|ca| ca.config.as_ref());
        match (&self.ca_config, shown) {
            (Some(ours), Some(shown)) => ours.cluster_id != shown.cluster_id,
            _ => false,
        }
    }

    fn check_newer(&self, change: &ViewChange) -> Result<(), Behind> {
        let (shown, seen) = (change.applied, self.applied);
        if shown < seen { Err(Behind { shown, seen }) } else { Ok(()) }
    }

    /// All old rows go before any new one comes: an id or a name may have passed from one row to another.
    fn follow(&mut self, change: ViewChange) {
        self.applied = change.applied;
        let ViewChange { nodes, services, checks, intentions, virtual_ips, prepared, .. } = change;
        let (ca, topics, forgotten) = (change.ca, change.topics, change.forgotten);
        checks.keys().for_each(|key| drop(self.remove_check(key)));
        services.keys().for_each(|key| drop(self.remove_service(key)));
        nodes.keys().for_each(|key| drop(self.remove_node(key)));
        intentions.keys().for_each(|id| drop(self.remove_intention(*id)));
        for (key, node) in nodes.put {
            self.insert_node(key, Arc::unwrap_or_clone(node));
        }
        for ((node, _), service) in services.put {
            self.insert_service(&node, Arc::unwrap_or_clone(service));
        }
        for ((node, _), check) in checks.put {
            self.insert_check(&node, Arc::unwrap_or_clone(check));
        }
        for (_, intention) in intentions.put {
            self.insert_intention(Arc::unwrap_or_clone(intention));
        }
        self.follow_virtual_ips(virtual_ips);
        prepared.gone.into_iter().for_each(|id| drop(self.prepared.remove(id)));
        prepared.put.into_iter().for_each(|(_, query)| self.prepared.put(Arc::unwrap_or_clone(query)));
        if let Some(ca) = ca {
            (self.ca_config, self.ca_roots) = (ca.config, ca.roots);
        }
        self.indexes.follow(topics.put, &topics.gone, forgotten);
    }

    fn follow_virtual_ips(&mut self, rows: Rows<Arc<str>, VirtualIp>) {
        for key in rows.keys() {
            if let Some(ip) = self.virtual_ips.remove(key) {
                self.derived.service_at.remove(&ip.address);
            }
        }
        for (key, ip) in rows.put {
            self.derived.service_at.insert(ip.address, ip.service.clone());
            self.virtual_ips.insert(key, ip);
        }
    }
}
