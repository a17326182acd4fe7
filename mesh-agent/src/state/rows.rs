use super::State;
use super::tables::{CheckKey, NodeKey, ServiceKey, VirtualIp};
use crate::model::{HealthCheck, Intention, IntentionId, Node, NodeService, ServiceName};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Changes to single rows. What is derived from a table changes here with it, and nowhere else.
impl State {
    pub(super) fn insert_node(&mut self, key: NodeKey, node: Node) {
        self.remove_node(&key);
        if let Some(id) = node.id {
            self.derived.node_with_id.insert(id, key.clone());
        }
        self.nodes.insert(key, Arc::new(node));
    }

    pub(super) fn remove_node(&mut self, key: &NodeKey) -> Option<Arc<Node>> {
        let removed = self.nodes.remove(key)?;
        if let Some(id) = removed.id {
            self.derived.node_with_id.remove(&id);
        }
        Some(removed)
    }

    pub(super) fn insert_service(&mut self, node: &NodeKey, service: NodeService) {
        let key = (node.clone(), service.id.clone());
        self.remove_service(&key);
        self.derived.link_service(node, &service);
        self.services.insert(key, Arc::new(service));
    }

    pub(super) fn remove_service(&mut self, key: &ServiceKey) -> Option<Arc<NodeService>> {
        let removed = self.services.remove(key)?;
        self.derived.unlink_service(&key.0, &removed);
        Some(removed)
    }

    pub(super) fn insert_check(&mut self, node: &NodeKey, check: HealthCheck) {
        let key = (node.clone(), check.id.clone());
        self.remove_check(&key);
        self.derived.link_check(node, &check);
        self.checks.insert(key, Arc::new(check));
    }

    pub(super) fn remove_check(&mut self, key: &CheckKey) -> Option<Arc<HealthCheck>> {
        let removed = self.checks.remove(key)?;
        self.derived.unlink_check(&key.0, &removed);
        Some(removed)
    }

    pub(super) fn insert_intention(&mut self, intention: Intention) {
        self.remove_intention(intention.id);
        self.derived.link_intention(&intention);
        self.intentions.insert(intention.id, Arc::new(intention));
    }

    pub(super) fn remove_intention(&mut self, id: IntentionId) -> Option<Arc<Intention>> {
        let removed = self.intentions.remove(&id)?;
        self.derived.unlink_intention(&removed);
        Some(removed)
    }

    /// A service that has no virtual address yet gets the next one; none, once all are taken.
    pub(super) fn assign_virtual_ip(&mut self, service: &ServiceName) {
        let key = service.folded();
        if self.virtual_ips.contains_key(&key) {
            return;
        }
        let last = self.derived.service_at.get_max().map(|(address, _)| *address);
        if let Some(address) = next_virtual_ip(last) {
            self.derived.service_at.insert(address, service.clone());
            self.virtual_ips.insert(key, VirtualIp { service: service.clone(), address });
        }
    }
}

/// A range that no network routes (RFC 1112, section 4), without its first and last address.
const VIRTUAL_IPS: std::ops::RangeInclusive<u32> = 0xf000_0001..=0xffff_fffe;

fn next_virtual_ip(last: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    let next = last.map_or(*VIRTUAL_IPS.start(), |last| u32::from(last).saturating_add(1));
    VIRTUAL_IPS.contains(&next).then(|| next.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_addresses_end_before_the_broadcast_address() {
        let address = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        assert_eq!(next_virtual_ip(None), Some(address("240.0.0.1")));
        assert_eq!(next_virtual_ip(Some(address("240.0.0.255"))), Some(address("240.0.1.0")));
        assert_eq!(next_virtual_ip(Some(address("255.255.255.254"))), None);
    }
}
