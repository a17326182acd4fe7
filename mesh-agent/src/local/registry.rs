mod checks;

use super::entry::content_hash;
use super::expand::{Derived, expand};
use super::persist::{ProxyPorts, TtlState};
use super::ports::PortsInUse;
use super::{LocalCheck, LocalError, LocalOptions, LocalService, Source};
use crate::model::{CheckDefinition, CheckId, NodeService, ServiceDefinition, ServiceId};

use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The registrations of this node, as plain data: every change is one method, and nothing here waits. A clone
/// costs next to nothing, so that a change can be tried on one.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    pub services: OrdMap<ServiceId, Arc<LocalService>>,
    pub checks: OrdMap<CheckId, Arc<LocalCheck>>,
    /// The ports that derived proxies have, or had when they were last here.
    pub proxy_ports: ProxyPorts,
    /// What services said before the agent started again, until their checks are registered.
    pub remembered: BTreeMap<CheckId, TtlState>,
    /// Kept checks whose services are not here yet: configuration may bring them.
    pub unplaced: Vec<CheckDefinition>,
}

impl Registry {
    /// Adds or replaces a service with its checks and the proxy that it asks for.
    pub fn add_service(
        &mut self,
        definition: &ServiceDefinition,
        source: Source,
        options: &LocalOptions,
    ) -> Result<(), LocalError> {
        let id = definition.service.id.clone();
        self.refuse_derived(&id)?;
        let derived = expand(definition, options, &self.ports_in_use(definition))?;
        self.refuse_taken(&id, derived.as_ref())?;
        self.remove_derived_of(&id, derived.as_ref().map(|d| &d.service.id));
        self.replace_checks(&id, &definition.checks, source, options);
        self.put_service(definition.service.clone(), definition, source, None, true);
        self.name_checks(&id);
        if let Some(derived) = derived {
            self.put_derived(&id, derived, definition, source, options);
        }
        Ok(())
    }

    fn put_derived(
        &mut self,
        parent: &ServiceId,
        derived: Derived,
        definition: &ServiceDefinition,
        source: Source,
        options: &LocalOptions,
    ) {
        let id = derived.service.id.clone();
        self.proxy_ports.insert(id.clone(), derived.service.port);
        self.put_service(derived.service, definition, source, Some(parent.clone()), derived.run_here);
        self.replace_checks(&id, &derived.checks, source, options);
        self.name_checks(&id);
    }

    fn put_service(
        &mut self,
        service: NodeService,
        definition: &ServiceDefinition,
        source: Source,
        parent: Option<ServiceId>,
        run_here: bool,
    ) {
        let run_here = run_here && parent.is_some();
        let content_hash = content_hash(&service);
        let definition = definition.clone();
        let local = LocalService { definition, source, parent, run_here, content_hash, service };
        self.services.insert(local.service.id.clone(), Arc::new(local));
    }

    /// A proxy that came with its service goes with it, and is not changed by itself.
    fn refuse_derived(&self, id: &ServiceId) -> Result<(), LocalError> {
        match self.services.get(id).and_then(|s| s.parent.clone()) {
            Some(parent) => Err(LocalError::Derived { id: id.clone(), parent }),
            None => Ok(()),
        }
    }

    fn refuse_taken(&self, parent: &ServiceId, derived: Option<&Derived>) -> Result<(), LocalError> {
        let holder = derived.and_then(|derived| self.services.get(&derived.service.id));
        match holder.filter(|holder| holder.parent.as_ref() != Some(parent)) {
            Some(holder) => {
                Err(LocalError::ProxyIdTaken { id: holder.service.id.clone(), parent: parent.clone() })
            }
            None => Ok(()),
        }
    }

    fn ports_in_use(&self, definition: &ServiceDefinition) -> PortsInUse {
        let parent = &definition.service.id;
        let own = super::expand::proxy_id(definition);
        let others = self.services.values().filter(|s| s.parent.as_ref() != Some(parent));
        let promised = self.proxy_ports.iter().filter(|(id, _)| Some(*id) != own.as_ref());
        PortsInUse {
            before: own.as_ref().and_then(|id| self.proxy_ports.get(id)).copied(),
            taken: others.map(|s| s.service.port).collect(),
            promised: promised.map(|(_, port)| *port).collect(),
        }
    }

    fn remove_derived_of(&mut self, parent: &ServiceId, keep: Option<&ServiceId>) {
        let derived = self.services.values().filter(|s| s.parent.as_ref() == Some(parent));
        let gone: Vec<_> = derived.map(|s| s.service.id.clone()).filter(|id| Some(id) != keep).collect();
        for id in gone {
            self.drop_service(&id);
        }
    }

    /// # Errors
    /// There is no such service, or it goes with another.
    pub fn remove_service(&mut self, id: &ServiceId) -> Result<Arc<LocalService>, LocalError> {
        self.refuse_derived(id)?;
        self.take_away(id)
    }

    /// The same for a service whose check was critical for too long: it may be a proxy that goes alone.
    ///
    /// # Errors
    /// There is no such service.
    pub fn take_away(&mut self, id: &ServiceId) -> Result<Arc<LocalService>, LocalError> {
        self.remove_derived_of(id, None);
        self.drop_service(id).ok_or_else(|| LocalError::UnknownService { id: id.clone() })
    }

    fn drop_service(&mut self, id: &ServiceId) -> Option<Arc<LocalService>> {
        retain(&mut self.checks, |c| c.definition.service.as_ref() != Some(id));
        self.proxy_ports.remove(id);
        self.services.remove(id)
    }

    /// Configuration's registrations become exactly these.
    pub fn forget_configuration(&mut self, services: &[ServiceDefinition], checks: &[CheckDefinition]) {
        let named = |id: &ServiceId| services.iter().any(|s| s.service.id == *id);
        let parents =
            self.services.values().filter(|s| s.parent.is_none() && s.source == Source::Configuration);
        let gone: Vec<_> = parents.map(|s| s.service.id.clone()).filter(|id| !named(id)).collect();
        for id in gone {
            self.remove_derived_of(&id, None);
            self.drop_service(&id);
        }
        let listed = |id: &CheckId| checks.iter().any(|c| c.id == *id);
        let stays =
            |c: &LocalCheck| c.source != Source::Configuration || c.embedded || listed(&c.definition.id);
        retain(&mut self.checks, stays);
    }

    /// Ports are kept for the proxies that are here; call it once all that was kept and configured is.
    pub fn forget_ports(&mut self) {
        self.proxy_ports.retain(|id, _| self.services.contains_key(id));
    }
}

fn retain(checks: &mut OrdMap<CheckId, Arc<LocalCheck>>, stays: impl Fn(&LocalCheck) -> bool) {
    let gone = checks.iter().filter(|(_, check)| !stays(check)).map(|(id, _)| id.clone());
    for id in gone.collect::<Vec<_>>() {
        checks.remove(&id);
    }
}
