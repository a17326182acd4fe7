use super::entry::content_hash;
use super::expand::{Derived, PortsInUse, expand};
use super::{LocalCheck, LocalError, LocalOptions, LocalService, Source};
use crate::model::{
    CheckDefinition, CheckId, CheckStatus, HealthCheck, NodeService, Probe, ServiceDefinition, ServiceId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The registrations of this node, as plain data: every change is one method, and nothing here waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    pub services: BTreeMap<ServiceId, LocalService>,
    pub checks: BTreeMap<CheckId, LocalCheck>,
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
        let derived = expand(definition, options, &self.ports_in_use(&id))?;
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
        self.services.insert(local.service.id.clone(), local);
    }

    /// A proxy that came with its service goes with it, and is not changed by itself.
    fn refuse_derived(&self, id: &ServiceId) -> Result<(), LocalError> {
        match self.services.get(id).and_then(|s| s.parent.clone()) {
            Some(parent) => Err(LocalError::Derived { id: id.clone(), parent }),
            None => Ok(()),
        }
    }

    fn ports_in_use(&self, parent: &ServiceId) -> PortsInUse {
        let (own, others): (Vec<_>, Vec<_>) =
            self.services.values().partition(|s| s.parent.as_ref() == Some(parent));
        let taken: BTreeSet<u16> = others.iter().map(|s| s.service.port).collect();
        PortsInUse { before: own.first().map(|s| s.service.port), taken }
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
    pub fn remove_service(&mut self, id: &ServiceId) -> Result<LocalService, LocalError> {
        self.refuse_derived(id)?;
        self.remove_derived_of(id, None);
        self.drop_service(id).ok_or_else(|| LocalError::UnknownService { id: id.clone() })
    }

    fn drop_service(&mut self, id: &ServiceId) -> Option<LocalService> {
        self.checks.retain(|_, c| c.definition.service.as_ref() != Some(id));
        self.services.remove(id)
    }

    /// The service's checks become exactly these; those that stay keep their status. Maintenance stays.
    fn replace_checks(
        &mut self,
        service: &ServiceId,
        checks: &[CheckDefinition],
        source: Source,
        options: &LocalOptions,
    ) {
        let stays = |c: &LocalCheck| {
            c.definition.service.as_ref() != Some(service)
                || is_maintenance(&c.definition.id)
                || checks.iter().any(|new| new.id == c.definition.id)
        };
        self.checks.retain(|_, c| stays(c));
        for check in checks {
            self.put_check(check.clone(), source, options);
        }
    }

    /// # Errors
    /// It names a service that is not here.
    pub fn add_check(
        &mut self,
        definition: CheckDefinition,
        source: Source,
        options: &LocalOptions,
    ) -> Result<(), LocalError> {
        if let Some(service) = definition.service.clone().filter(|id| !self.services.contains_key(id)) {
            return Err(LocalError::NoSuchService { check: definition.id, service });
        }
        let service = definition.service.clone();
        self.put_check(definition, source, options);
        if let Some(service) = service {
            self.name_checks(&service);
        }
        Ok(())
    }

    fn put_check(&mut self, definition: CheckDefinition, source: Source, options: &LocalOptions) {
        let before = self.checks.get(&definition.id).map(|c| (c.check.status, c.check.output.clone()));
        let (status, output) = before.unwrap_or((definition.initial, String::new()));
        let check = HealthCheck {
            node: options.node.name.clone(),
            id: definition.id.clone(),
            name: definition.name.clone(),
            status,
            notes: definition.notes.clone(),
            output,
            service_id: definition.service.clone(),
            service_name: None,
            service_tags: Vec::new(),
            kind: definition.probe.kind().to_owned(),
            definition: Default::default(),
            index: Default::default(),
        };
        self.checks.insert(definition.id.clone(), LocalCheck { definition, check, source });
    }

    /// Checks carry their service's name and tags.
    fn name_checks(&mut self, id: &ServiceId) {
        let Some(service) = self.services.get(id).map(|s| s.service.clone()) else { return };
        for local in self.checks.values_mut().filter(|c| c.definition.service.as_ref() == Some(id)) {
            local.check.service_name = Some(service.name.clone());
            local.check.service_tags.clone_from(&service.tags);
        }
    }

    /// # Errors
    /// There is no such check.
    pub fn remove_check(&mut self, id: &CheckId) -> Result<LocalCheck, LocalError> {
        self.checks.remove(id).ok_or_else(|| LocalError::UnknownCheck { id: id.clone() })
    }

    /// Whether anything changed.
    pub fn set_status(
        &mut self,
        id: &CheckId,
        status: CheckStatus,
        output: &str,
    ) -> Result<bool, LocalError> {
        let local = self.checks.get_mut(id).ok_or_else(|| LocalError::UnknownCheck { id: id.clone() })?;
        let output = cut(output, local.definition.output_max_size);
        let changed = local.check.status != status || local.check.output != output;
        local.check.status = status;
        output.clone_into(&mut local.check.output);
        Ok(changed)
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
        self.checks.retain(|id, c| {
            c.source != Source::Configuration || c.definition.service.is_some() || listed(id)
        });
    }
}

/// The first `most` bytes, cut where a character ends.
fn cut(output: &str, most: usize) -> &str {
    let end = (0..=most.min(output.len())).rev().find(|at| output.is_char_boundary(*at));
    &output[..end.unwrap_or(0)]
}

/// The id of the check that takes a service out of rotation, or the node without one.
pub(super) fn maintenance_id(service: Option<&ServiceId>) -> Option<CheckId> {
    match service {
        Some(id) => CheckId::new(&format!("{SERVICE_MAINTENANCE}{id}")).ok(),
        None => CheckId::new(NODE_MAINTENANCE).ok(),
    }
}

fn is_maintenance(id: &CheckId) -> bool {
    id.as_str() == NODE_MAINTENANCE || id.as_str().starts_with(SERVICE_MAINTENANCE)
}

const SERVICE_MAINTENANCE: &str = "_service_maintenance:";
const NODE_MAINTENANCE: &str = "_node_maintenance";

/// A hundred years: as long as no clock's arithmetic overflows.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A check that only people set: it never expires.
pub(super) fn maintenance(id: CheckId, service: Option<ServiceId>, reason: &str) -> CheckDefinition {
    let default = if service.is_some() {
        "Maintenance mode is enabled for this service, but no reason was provided. This is a default message."
    } else {
        "Maintenance mode is enabled for this node, but no reason was provided. This is a default message."
    };
    let name = if service.is_some() { "Service Maintenance Mode" } else { "Node Maintenance Mode" };
    CheckDefinition {
        id,
        name: name.to_owned(),
        notes: if reason.is_empty() { default.to_owned() } else { reason.to_owned() },
        service,
        initial: CheckStatus::Critical,
        interval: FOREVER,
        timeout: FOREVER,
        success_before_passing: 1,
        failures_before_warning: 1,
        failures_before_critical: 1,
        deregister_critical_after: None,
        output_max_size: 0,
        probe: Probe::Ttl { ttl: FOREVER },
    }
}
