use super::Write;
use crate::model::{CheckId, CheckStatus, LIVENESS_CHECK, Node, RaftIndex};
use crate::state::tables::NodeKey;
use crate::state::{Deregistration, Refusal, Registration, Topic};

impl Write<'_> {
    pub(super) fn register(&mut self, r: Registration) -> Result<(), Refusal> {
        let key = r.node.name.folded();
        self.check_name(&key, &r.node)?;
        self.check_owners(&key, &r)?;
        if !(r.skip_node_update && self.state.nodes.contains_key(&key)) {
            self.put_node(&key, r.node);
        }
        for service in r.services {
            self.put_service(&key, service);
        }
        for check in r.checks {
            self.put_check(&key, check);
        }
        Ok(())
    }

    /// Two nodes that tell their ids cannot share a name, unless the older one is known to be dead.
    fn check_name(&self, key: &NodeKey, node: &Node) -> Result<(), Refusal> {
        let holder = self.state.nodes.get(key).and_then(|holder| holder.id);
        match (node.id, holder) {
            (Some(id), Some(holder)) if id != holder && !self.is_dead(key) => {
                Err(Refusal::NodeNameTaken { node: node.name.clone(), id, holder })
            }
            _ => Ok(()),
        }
    }

    /// The servers have found it gone.
    fn is_dead(&self, node: &NodeKey) -> bool {
        let liveness = CheckId::new(LIVENESS_CHECK).expect("it is printable");
        let check = self.state.checks.get(&(node.clone(), liveness));
        check.is_some_and(|check| check.status == CheckStatus::Critical)
    }

    /// Nodes without an id keep the one that is known.
    fn put_node(&mut self, key: &NodeKey, mut node: Node) {
        let old = self.state.nodes.get(key).cloned();
        if let Some(old) = &old {
            node.id = node.id.or(old.id);
            node.index = old.index;
            if **old == node {
                return;
            }
        }
        let renamed = self.remove_former_name(key, &node);
        node.index = self.stamp(old.map(|old| old.index).or(renamed));
        self.state.insert_node(key.clone(), node);
        self.touch(Topic::Nodes);
        self.touch_node(key);
    }

    /// A node that comes under another name is the same one: what it had under the old name goes.
    fn remove_former_name(&mut self, key: &NodeKey, node: &Node) -> Option<RaftIndex> {
        let former = self.state.derived.node_with_id.get(&node.id?).filter(|former| *former != key)?.clone();
        let index = self.state.nodes.get(&former).map(|node| node.index);
        self.remove_node(&former);
        index
    }

    /// What is not there is gone already.
    pub(super) fn deregister(&mut self, d: &Deregistration) {
        let node = d.node.folded();
        match (&d.service, &d.check) {
            (_, Some(check)) => self.remove_check(&node, check),
            (Some(service), None) => self.remove_service(&node, service),
            (None, None) => self.remove_node(&node),
        }
    }

    fn remove_node(&mut self, key: &NodeKey) {
        let services: Vec<_> = self.state.services_on(key).map(|service| service.id.clone()).collect();
        for service in services {
            self.remove_service(key, &service);
        }
        self.remove_checks_of(key, None);
        self.end_sessions_on(key);
        self.forget_coordinate(key);
        if self.state.remove_node(key).is_some() {
            self.touch(Topic::Nodes);
            self.touch_last(Topic::Node(key.clone()));
        }
    }

    /// The node's address and health show in every one of its services.
    pub(super) fn touch_node(&mut self, node: &NodeKey) {
        self.touch(Topic::Node(node.clone()));
        let services: Vec<_> = self.state.services_on(node).cloned().collect();
        for service in services {
            self.touch_service(&service);
        }
    }
}
