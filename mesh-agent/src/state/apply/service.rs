use super::Write;
use crate::model::{NodeService, ServiceId};
use crate::state::Topic;
use crate::state::tables::NodeKey;

impl Write<'_> {
    pub(super) fn put_service(&mut self, node: &NodeKey, mut service: NodeService) {
        let old = self.state.services.get(&(node.clone(), service.id.clone())).cloned();
        if let Some(old) = &old {
            service.index = old.index;
            if **old == service {
                return;
            }
        }
        service.index = self.stamp(old.as_ref().map(|old| old.index));
        if let Some(destination) = service.connect_destination() {
            self.state.assign_virtual_ip(destination);
        }
        self.state.insert_service(node, service.clone());
        self.relabel_checks(node, &service);
        // The old first: where it was the last of its name, the name is forgotten.
        for changed in old.as_deref().into_iter().chain([&service]) {
            self.touch_service(changed);
        }
        self.touch(Topic::Services);
        self.touch(Topic::Node(node.clone()));
    }

    pub(super) fn remove_service(&mut self, node: &NodeKey, id: &ServiceId) {
        self.remove_checks_of(node, Some(id));
        if let Some(service) = self.state.remove_service(&(node.clone(), id.clone())) {
            self.touch_service(&service);
            self.touch(Topic::Services);
            self.touch(Topic::Node(node.clone()));
        }
    }

    /// An instance came, changed or went.
    pub(super) fn touch_service(&mut self, service: &NodeService) {
        let name = service.name.folded();
        let remains = self.state.derived.instances.has(name.clone());
        self.touch_while(remains, Topic::Service(name));
        if let Some(destination) = service.connect_destination() {
            let destination = destination.folded();
            let remains = self.state.derived.mesh_instances.has(destination.clone());
            self.touch_while(remains, Topic::Connect(destination));
        }
    }

    fn touch_while(&mut self, remains: bool, topic: Topic) {
        if remains { self.touch(topic) } else { self.touch_last(topic) }
    }
}
