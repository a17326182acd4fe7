use super::{Registry, retain};
use crate::clock::Timestamp;
use crate::local::maintenance::is_maintenance;
use crate::local::persist::TtlState;
use crate::local::{LocalCheck, LocalError, LocalOptions, Source};
use crate::model::{CheckDefinition, CheckId, CheckStatus, HealthCheck, Probe, ServiceDefinition, ServiceId};
use crate::wire::public_definition;
use std::sync::Arc;
use std::time::Duration;

/// What happens to checks, and to their results.
impl Registry {
    /// The checks that came with the service become exactly these; those that stay keep their status.
    pub(super) fn replace_checks(
        &mut self,
        service: &ServiceId,
        checks: &[CheckDefinition],
        source: Source,
        options: &LocalOptions,
    ) {
        retain(&mut self.checks, |local| {
            !local.embedded
                || local.definition.service.as_ref() != Some(service)
                || checks.iter().any(|new| new.id == local.definition.id)
        });
        for check in checks {
            self.put_check(check.clone(), source, true, options);
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
        self.put_check(definition, source, false, options);
        if let Some(service) = service {
            self.name_checks(&service);
        }
        Ok(())
    }

    /// A check that is here already, or whose service reported before a restart, keeps its result.
    fn put_check(
        &mut self,
        definition: CheckDefinition,
        source: Source,
        embedded: bool,
        options: &LocalOptions,
    ) {
        let mut local = fresh(definition, source, embedded, options);
        let id = &local.definition.id;
        if let Some(before) = self.checks.get(id).filter(|c| c.definition.service == local.definition.service)
        {
            local.check.status = before.check.status;
            local.check.output.clone_from(&before.check.output);
            (local.fresh, local.heard, local.expires_at) = (before.fresh, before.heard, before.expires_at);
        } else if let Some(state) = self.remembered.remove(id).filter(|_| is_ttl(&local.definition)) {
            local.check.status = state.status;
            local.check.output = state.output;
            local.fresh = false;
            local.expires_at = Some(Timestamp(state.expires_at));
        }
        self.checks.insert(id.clone(), Arc::new(local));
    }

    /// Checks carry their service's name and tags.
    pub(super) fn name_checks(&mut self, id: &ServiceId) {
        let Some(service) = self.services.get(id).map(|s| s.service.clone()) else { return };
        self.change_checks_of(id, |local| {
            local.check.service_name = Some(service.name.clone());
            local.check.service_tags.clone_from(&service.tags);
        });
    }

    /// # Errors
    /// There is no such check.
    pub fn remove_check(&mut self, id: &CheckId) -> Result<Arc<LocalCheck>, LocalError> {
        self.checks.remove(id).ok_or_else(|| LocalError::UnknownCheck { id: id.clone() })
    }

    /// Takes over a result; says whether it changed anything.
    ///
    /// # Errors
    /// There is no such check.
    pub fn set_status(
        &mut self,
        id: &CheckId,
        status: CheckStatus,
        output: &str,
    ) -> Result<bool, LocalError> {
        let local = self.checks.get_mut(id).ok_or_else(|| LocalError::UnknownCheck { id: id.clone() })?;
        let local = Arc::make_mut(local);
        let output = cut(output, local.definition.output_max_size);
        let changed = local.fresh || local.check.status != status || local.check.output != output;
        local.fresh = false;
        local.check.status = status;
        output.clone_into(&mut local.check.output);
        Ok(changed)
    }

    /// Takes over what others still say of checks that nobody has looked at here, each of the same service; says
    /// whether that was anything. What services say of themselves is remembered elsewhere.
    pub fn recall(&mut self, known: &[Arc<HealthCheck>]) -> bool {
        let mut some = false;
        for known in known {
            let Some(local) = self.checks.get(&known.id) else { continue };
            let same = local.check.status == known.status && local.check.output == known.output;
            let is_it = local.fresh && local.check.service_id == known.service_id;
            if !is_it || same || is_ttl(&local.definition) {
                continue;
            }
            let local = Arc::make_mut(self.checks.get_mut(&known.id).expect("it was there just now"));
            local.check.status = known.status;
            local.check.output.clone_from(&known.output);
            some = true;
        }
        some
    }

    /// Takes over what a service says of itself, and gives back what is worth keeping of it.
    ///
    /// # Errors
    /// There is no such check, or it is not for services to report.
    pub fn hear(
        &mut self,
        id: &CheckId,
        status: CheckStatus,
        output: &str,
        now: Timestamp,
    ) -> Result<TtlState, LocalError> {
        let ttl = self.ttl_of(id)?;
        self.set_status(id, status, output)?;
        let local = Arc::make_mut(self.checks.get_mut(id).expect("its status was just set"));
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let expires_at = now.millis().saturating_add(ttl);
        local.heard += 1;
        local.expires_at = Some(Timestamp(expires_at));
        Ok(TtlState { check: id.clone(), status, output: local.check.output.clone(), expires_at })
    }

    fn ttl_of(&self, id: &CheckId) -> Result<Duration, LocalError> {
        let local = self.checks.get(id).ok_or_else(|| LocalError::UnknownCheck { id: id.clone() })?;
        match local.definition.probe {
            Probe::Ttl { ttl } if !is_maintenance(id) => Ok(ttl),
            _ => Err(LocalError::NotTtl { id: id.clone() }),
        }
    }

    /// Adds the kept checks whose services have come meanwhile.
    pub fn place_kept_checks(&mut self, options: &LocalOptions) {
        for check in std::mem::take(&mut self.unplaced) {
            if self.add_check(check.clone(), Source::Api, options).is_err() {
                self.unplaced.push(check);
            }
        }
    }

    /// The definition with the checks that came with its service before and are not in it.
    pub fn with_kept_checks(&self, mut definition: ServiceDefinition) -> ServiceDefinition {
        let again = |id: &CheckId| definition.checks.iter().any(|new| new.id == *id);
        let own = |c: &&Arc<LocalCheck>| {
            c.embedded
                && c.definition.service.as_ref() == Some(&definition.service.id)
                && !again(&c.definition.id)
        };
        let kept: Vec<_> = self.checks.values().filter(own).map(|c| c.definition.clone()).collect();
        definition.checks.extend(kept);
        definition
    }

    /// Registered by themselves or not, a service's checks now go when it does not bring them again.
    pub fn embed_checks(&mut self, service: &ServiceId) {
        self.change_checks_of(service, |local| {
            local.embedded |= !is_maintenance(&local.definition.id);
        });
    }

    fn change_checks_of(&mut self, service: &ServiceId, change: impl Fn(&mut LocalCheck)) {
        let own = self.checks.iter().filter(|(_, c)| c.definition.service.as_ref() == Some(service));
        for id in own.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.checks.get_mut(&id).map(Arc::make_mut).into_iter().for_each(&change);
        }
    }
}

fn is_ttl(definition: &CheckDefinition) -> bool {
    matches!(definition.probe, Probe::Ttl { .. })
}

/// A check without results.
fn fresh(definition: CheckDefinition, source: Source, embedded: bool, options: &LocalOptions) -> LocalCheck {
    let kind = if is_maintenance(&definition.id) { "" } else { definition.probe.kind() };
    let check = HealthCheck {
        node: options.node.name.clone(),
        id: definition.id.clone(),
        name: definition.name.clone(),
        status: definition.initial,
        notes: definition.notes.clone(),
        output: String::new(),
        service_id: definition.service.clone(),
        service_name: None,
        service_tags: Vec::new(),
        kind: kind.to_owned(),
        definition: public_definition(&definition),
        index: Default::default(),
    };
    LocalCheck { definition, check, source, embedded, fresh: true, heard: 0, expires_at: None }
}

/// The first `most` bytes, cut where a character ends.
fn cut(output: &str, most: usize) -> &str {
    let end = (0..=most.min(output.len())).rev().find(|at| output.is_char_boundary(*at));
    &output[..end.unwrap_or(0)]
}
