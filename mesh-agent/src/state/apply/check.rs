use super::Write;
use crate::model::{CheckId, CheckStatus, HealthCheck, NodeService, ServiceId};
use crate::state::tables::NodeKey;
use crate::state::{Refusal, Registration, Topic};

impl Write<'_> {
    /// A check's service is there already, or comes with it.
    pub(super) fn check_owners(&self, key: &NodeKey, r: &Registration) -> Result<(), Refusal> {
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

    pub(super) fn put_check(&mut self, node: &NodeKey, mut check: HealthCheck) {
        self.label(node, &mut check);
        let old = self.state.checks.get(&(node.clone(), check.id.clone())).cloned();
        if let Some(old) = &old {
            check.index = old.index;
            if **old == check {
                return;
            }
            if old.service_id != check.service_id {
                self.touch_check(node, old.service_id.as_ref());
            }
        }
        check.index = self.stamp(old.map(|old| old.index));
        let (id, owner) = (check.id.clone(), check.service_id.clone());
        let critical = check.status == CheckStatus::Critical;
        self.state.insert_check(node, check);
        self.touch_check(node, owner.as_ref());
        if critical {
            self.end_sessions_with(node, &id);
        }
    }

    /// Checks carry their node's name and their service's name and tags: readers need no second look-up.
    fn label(&self, node: &NodeKey, check: &mut HealthCheck) {
        if let Some(node) = self.state.nodes.get(node) {
            check.node = node.name.clone();
        }
        let owner = check.service_id.clone().and_then(|id| self.state.services.get(&(node.clone(), id)));
        check.service_name = owner.map(|service| service.name.clone());
        check.service_tags = owner.map(|service| service.tags.clone()).unwrap_or_default();
    }

    /// After a service changed its name or tags.
    pub(super) fn relabel_checks(&mut self, node: &NodeKey, service: &NodeService) {
        let checks: Vec<_> = self.state.checks_of(node, Some(&service.id)).cloned().collect();
        for check in checks {
            let mut labelled = HealthCheck::clone(&check);
            self.label(node, &mut labelled);
            if labelled != *check {
                labelled.index = self.stamp(Some(check.index));
                self.state.insert_check(node, labelled);
                self.touch(Topic::Checks);
            }
        }
    }

    pub(super) fn remove_check(&mut self, node: &NodeKey, id: &CheckId) {
        if let Some(check) = self.state.remove_check(&(node.clone(), id.clone())) {
            self.touch_check(node, check.service_id.as_ref());
            self.end_sessions_with(node, id);
        }
    }

    pub(super) fn remove_checks_of(&mut self, node: &NodeKey, service: Option<&ServiceId>) {
        let ids: Vec<_> = self.state.checks_of(node, service).map(|check| check.id.clone()).collect();
        for id in ids {
            self.remove_check(node, &id);
        }
    }

    fn touch_check(&mut self, node: &NodeKey, service: Option<&ServiceId>) {
        self.touch(Topic::Checks);
        let owner = service.and_then(|id| self.state.services.get(&(node.clone(), id.clone())).cloned());
        match owner {
            Some(service) => {
                self.touch_service(&service);
                self.touch(Topic::Node(node.clone()));
            }
            None => self.touch_node(node),
        }
    }
}
