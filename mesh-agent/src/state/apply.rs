use super::tables::{NodeKey, ServiceKey};
use super::{Command, Deregistration, Outcome, Refusal, Registration, State, Topic};
use crate::model::{
    CaConfig, CaProviderState, CaRoot, CheckId, HealthCheck, Intention, IntentionId, IntentionTarget, Node,
    NodeService, RaftIndex, ServiceId, ServiceName,
};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The topics that one batch touched.
pub(super) type Changed = Vec<Topic>;

impl State {
    /// What a command does. The same command on the same state gives the same state, on every server.
    pub(super) fn apply(&mut self, index: u64, command: Command, changed: &mut Changed) -> Outcome {
        self.applied = index;
        let mut write = Write { state: self, index, changed };
        let result = match command {
            Command::Register(r) => write.register(*r),
            Command::Deregister(d) => write.deregister(&d),
            Command::PutIntention(i) => write.put_intention(*i),
            Command::PutIntentionByName(i) => write.put_intention_by_name(*i),
            Command::DeleteIntention(id) => write.delete_intention(id),
            Command::DeleteIntentionByName { source, destination } => {
                write.delete_intention_by_name(source, destination)
            }
            Command::SetCa { expected, config, roots, provider } => {
                write.set_ca(expected, config, roots, provider)
            }
        };
        match result {
            Ok(()) => Outcome::Done { index },
            Err(refusal) => Outcome::Refused(refusal),
        }
    }
}

/// One write under way.
struct Write<'a> {
    state: &'a mut State,
    index: u64,
    changed: &'a mut Changed,
}

impl Write<'_> {
    fn touch(&mut self, topic: Topic) {
        self.state.indexes.insert(topic.clone(), self.index);
        self.changed.push(topic);
    }

    fn stamp(&self, old: Option<RaftIndex>) -> RaftIndex {
        RaftIndex { create: old.map_or(self.index, |i| i.create), modify: self.index }
    }

    // Nodes, services, checks.

    fn register(&mut self, r: Registration) -> Result<(), Refusal> {
        let key = r.node.name.folded();
        self.check_node_id(&r.node)?;
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

    /// A node id may move to a new name only once the old name is gone.
    fn check_node_id(&self, node: &Node) -> Result<(), Refusal> {
        let Some(id) = node.id else { return Ok(()) };
        let holder =
            self.state.nodes.values().find(|n| n.id == Some(id) && n.name.folded() != node.name.folded());
        match holder {
            Some(holder) => {
                Err(Refusal::NodeIdTaken { id, node: node.name.clone(), holder: holder.name.clone() })
            }
            None => Ok(()),
        }
    }

    fn check_owners(&self, key: &NodeKey, r: &Registration) -> Result<(), Refusal> {
        for check in &r.checks {
            let Some(service) = &check.service_id else { continue };
            let comes = r.services.iter().any(|s| s.id == *service);
            if !comes && !self.state.services.contains_key(&(key.clone(), service.clone())) {
                let (node, check) = (r.node.name.clone(), check.id.clone());
                return Err(Refusal::NoSuchService { node, check, service: service.clone() });
            }
        }
        Ok(())
    }

    fn put_node(&mut self, key: &NodeKey, mut node: Node) {
        let old = self.state.nodes.get(key).cloned();
        if let Some(old) = &old {
            node.index = old.index;
            if **old == node {
                return;
            }
        }
        node.index = self.stamp(old.map(|o| o.index));
        self.state.nodes.insert(key.clone(), Arc::new(node));
        self.touch(Topic::Nodes);
        self.touch_node(key);
    }

    fn put_service(&mut self, node: &NodeKey, mut service: NodeService) {
        let key: ServiceKey = (node.clone(), service.id.clone());
        let old = self.state.services.get(&key).cloned();
        if let Some(old) = &old {
            if old.same_as(&service) {
                return;
            }
            self.state.unlink(&key, old);
            self.touch_service(old);
        }
        service.index = self.stamp(old.map(|o| o.index));
        self.state.link(&key, &service);
        self.assign_virtual_ip(&service);
        self.rename_checks(node, &service);
        self.touch_service(&service);
        self.touch(Topic::Services);
        self.touch(Topic::Node(node.clone()));
        self.state.services.insert(key, Arc::new(service));
    }

    /// Checks carry their service's name and tags, so that readers need no second look-up.
    fn rename_checks(&mut self, node: &NodeKey, service: &NodeService) {
        for (key, check) in self.checks_of(node, Some(&service.id)) {
            let mut next = HealthCheck::clone(&check);
            next.service_name = Some(service.name.clone());
            next.service_tags.clone_from(&service.tags);
            if !check.same_as(&next) {
                next.index = self.stamp(Some(check.index));
                self.state.checks.insert((node.clone(), key), Arc::new(next));
                self.touch(Topic::Checks);
            }
        }
    }

    fn assign_virtual_ip(&mut self, service: &NodeService) {
        let Some(name) = service.connect_destination() else { return };
        if self.state.virtual_ip(name).is_none() {
            let next =
                self.state.virtual_ips.values().max().map_or(FIRST_VIRTUAL_IP, |ip| u32::from(*ip) + 1);
            self.state.virtual_ips.insert(name.clone(), Ipv4Addr::from(next));
        }
    }

    fn put_check(&mut self, node: &NodeKey, mut check: HealthCheck) {
        let owner =
            check.service_id.as_ref().and_then(|id| self.state.services.get(&(node.clone(), id.clone())));
        if let Some(owner) = owner {
            check.service_name = Some(owner.name.clone());
            check.service_tags.clone_from(&owner.tags);
        }
        let key = (node.clone(), check.id.clone());
        let old = self.state.checks.get(&key).cloned();
        if old.as_ref().is_some_and(|old| old.same_as(&check)) {
            return;
        }
        check.index = self.stamp(old.map(|o| o.index));
        self.touch_check(node, check.service_id.as_ref());
        self.state.checks.insert(key, Arc::new(check));
    }

    fn deregister(&mut self, d: &Deregistration) -> Result<(), Refusal> {
        let node = d.node.folded();
        match (&d.service, &d.check) {
            (_, Some(check)) => self.remove_check(&node, check),
            (Some(service), None) => self.remove_service(&node, service),
            (None, None) => self.remove_node(&node),
        }
        Ok(())
    }

    fn remove_check(&mut self, node: &NodeKey, id: &CheckId) {
        if let Some(check) = self.state.checks.remove(&(node.clone(), id.clone())) {
            self.touch_check(node, check.service_id.as_ref());
        }
    }

    fn remove_service(&mut self, node: &NodeKey, id: &ServiceId) {
        for (check, _) in self.checks_of(node, Some(id)) {
            self.remove_check(node, &check);
        }
        let key = (node.clone(), id.clone());
        if let Some(service) = self.state.services.remove(&key) {
            self.state.unlink(&key, &service);
            self.touch_service(&service);
            self.touch(Topic::Services);
            self.touch(Topic::Node(node.clone()));
        }
    }

    fn remove_node(&mut self, node: &NodeKey) {
        for service in self.state.services_on(node) {
            self.remove_service(node, &service.id);
        }
        for (check, _) in self.checks_of(node, None) {
            self.remove_check(node, &check);
        }
        if self.state.nodes.remove(node).is_some() {
            self.touch(Topic::Nodes);
            self.touch(Topic::Node(node.clone()));
        }
    }

    /// The checks of one service instance, or those of the node alone.
    fn checks_of(&self, node: &NodeKey, service: Option<&ServiceId>) -> Vec<(CheckId, Arc<HealthCheck>)> {
        let rows = self.state.checks_on(node).into_iter();
        rows.filter(|c| c.service_id.as_ref() == service).map(|c| (c.id.clone(), c)).collect()
    }

    fn touch_service(&mut self, service: &NodeService) {
        self.touch(Topic::Service(service.name.folded()));
        if let Some(destination) = service.connect_destination() {
            self.touch(Topic::Connect(destination.folded()));
        }
    }

    /// The node's address or health shows in every one of its services.
    fn touch_node(&mut self, node: &NodeKey) {
        self.touch(Topic::Node(node.clone()));
        for service in self.state.services_on(node) {
            self.touch_service(&service);
        }
    }

    fn touch_check(&mut self, node: &NodeKey, service: Option<&ServiceId>) {
        self.touch(Topic::Checks);
        match service.and_then(|id| self.state.services.get(&(node.clone(), id.clone())).cloned()) {
            Some(service) => {
                self.touch_service(&service);
                self.touch(Topic::Node(node.clone()));
            }
            None => self.touch_node(node),
        }
    }

    // Intentions.

    fn put_intention(&mut self, mut intention: Intention) -> Result<(), Refusal> {
        let pair = (intention.source.clone(), intention.destination.clone());
        if let Some(&id) = self.state.by_pair.get(&pair).filter(|id| **id != intention.id) {
            return Err(Refusal::DuplicateIntention { id, source_name: pair.0, destination: pair.1 });
        }
        let old = self.state.intentions.get(&intention.id).cloned();
        if let Some(old) = &old {
            self.state.by_pair.remove(&(old.source.clone(), old.destination.clone()));
            intention.created_at = old.created_at;
        }
        intention.index = self.stamp(old.map(|o| o.index));
        self.state.by_pair.insert(pair, intention.id);
        self.state.intentions.insert(intention.id, Arc::new(intention));
        self.touch(Topic::Intentions);
        Ok(())
    }

    fn put_intention_by_name(&mut self, mut intention: Intention) -> Result<(), Refusal> {
        let pair = (intention.source.clone(), intention.destination.clone());
        if let Some(&id) = self.state.by_pair.get(&pair) {
            intention.id = id;
        }
        self.put_intention(intention)
    }

    fn delete_intention(&mut self, id: IntentionId) -> Result<(), Refusal> {
        let old = self.state.intentions.remove(&id).ok_or(Refusal::NoSuchIntention { id })?;
        self.state.by_pair.remove(&(old.source.clone(), old.destination.clone()));
        self.touch(Topic::Intentions);
        Ok(())
    }

    fn delete_intention_by_name(
        &mut self,
        source: IntentionTarget,
        destination: IntentionTarget,
    ) -> Result<(), Refusal> {
        match self.state.by_pair.get(&(source.clone(), destination.clone())).copied() {
            Some(id) => self.delete_intention(id),
            None => Err(Refusal::NoSuchIntentionPair { source_name: source, destination }),
        }
    }

    // The certificate authority.

    fn set_ca(
        &mut self,
        expected: u64,
        mut config: CaConfig,
        mut roots: Vec<CaRoot>,
        provider: Option<CaProviderState>,
    ) -> Result<(), Refusal> {
        let found = self.state.indexes.get(&Topic::Ca).copied().unwrap_or(0);
        if found != expected {
            return Err(Refusal::CaChanged { expected, found });
        }
        for root in &mut roots {
            let old = self.state.ca_roots.iter().find(|r| r.id == root.id);
            let same = old.is_some_and(|old| CaRoot { index: old.index, ..root.clone() } == *old);
            root.index = if same {
                old.map(|o| o.index).unwrap_or_default()
            } else {
                self.stamp(old.map(|o| o.index))
            };
        }
        config.index = self.stamp(self.state.ca_config.as_ref().map(|c| c.index));
        self.state.ca_config = Some(Arc::new(config));
        self.state.ca_roots = Arc::new(roots);
        if let Some(provider) = provider {
            self.state.ca_provider = Some(Arc::new(provider));
        }
        self.touch(Topic::Ca);
        Ok(())
    }
}

/// 240.0.0.1: a range that no network routes (RFC 1112, section 4).
const FIRST_VIRTUAL_IP: u32 = 0xf000_0001;

impl State {
    pub(super) fn services_on(&self, node: &NodeKey) -> Vec<Arc<NodeService>> {
        let from = (node.clone(), MIN_SERVICE.with(Clone::clone));
        self.services.range(from..).take_while(|((n, _), _)| n == node).map(|(_, s)| s.clone()).collect()
    }

    pub(super) fn checks_on(&self, node: &NodeKey) -> Vec<Arc<HealthCheck>> {
        let from = (node.clone(), MIN_CHECK.with(Clone::clone));
        self.checks.range(from..).take_while(|((n, _), _)| n == node).map(|(_, c)| c.clone()).collect()
    }
}

thread_local! {
    /// Ids hold no control characters, so that a space sorts before every other id.
    static MIN_SERVICE: ServiceId = ServiceId::new(" ").expect("a space is printable");
    static MIN_CHECK: CheckId = CheckId::new(" ").expect("a space is printable");
}

/// The services of a mesh that have a virtual address.
impl State {
    pub fn virtual_ips(&self) -> impl Iterator<Item = (&ServiceName, &Ipv4Addr)> {
        self.virtual_ips.iter()
    }
}
