use super::maintenance::{is_maintenance, is_reserved, maintenance, maintenance_id};
use super::persist::Shelf;
use super::registry::Registry;
use super::{LocalCheck, LocalError, LocalOptions, LocalService, ProxyAssignment, Source};
use crate::clock::Clock;
use crate::health::{self, CheckReport};
use crate::model::{CheckDefinition, CheckId, CheckStatus, HealthCheck, ServiceDefinition, ServiceId};
use arc_swap::ArcSwap;
use imbl::OrdMap;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What is registered here at one moment. Its next one shares with it what has not changed.
#[derive(Clone, Debug, Default)]
pub struct LocalView {
    pub services: OrdMap<ServiceId, Arc<LocalService>>,
    pub checks: OrdMap<CheckId, Arc<LocalCheck>>,
}

/// This node's registrations. Writers take turns; readers see the newest view without a lock.
pub struct LocalState {
    options: LocalOptions,
    clock: Clock,
    shelf: Shelf,
    registry: Mutex<Registry>,
    view: ArcSwap<LocalView>,
    /// Counts changes.
    generation: watch::Sender<u64>,
    /// Counts changes of what is registered, results apart.
    registrations: watch::Sender<u64>,
    proxies: watch::Sender<Arc<Vec<ProxyAssignment>>>,
}

impl LocalState {
    /// Takes up what was kept on disk. A damaged file is set aside and said in the log.
    pub fn open(options: LocalOptions) -> Self {
        Self::open_at(options, Clock::System)
    }

    /// The same by a clock that tells which TTL reports are still good.
    pub fn open_at(options: LocalOptions, clock: Clock) -> Self {
        let local = Self {
            shelf: Shelf::new(options.data_dir.as_deref()),
            options,
            clock,
            registry: Mutex::default(),
            view: ArcSwap::default(),
            generation: watch::Sender::new(0),
            registrations: watch::Sender::new(0),
            proxies: watch::Sender::new(Arc::default()),
        };
        local.restore();
        local
    }

    fn restore(&self) {
        let mut registry = self.lock();
        registry.proxy_ports = self.shelf.proxy_ports();
        registry.remembered = self.shelf.ttl_states(self.clock.now());
        for definition in self.shelf.services() {
            let id = definition.service.id.clone();
            if let Err(error) = registry.add_service(&definition, Source::Api, &self.options) {
                tracing::warn!(%error, service = %id, "a kept registration could not be taken up again");
            }
        }
        registry.unplaced = self.shelf.checks();
        registry.place_kept_checks(&self.options);
        self.explain_refused(&mut registry);
        self.publish(&registry);
    }

    /// What the policy of today refuses stays registered and critical, and says why.
    fn explain_refused(&self, registry: &mut Registry) {
        let refused = |c: &Arc<LocalCheck>| {
            Some((c.definition.id.clone(), self.permit(&c.definition, c.source).err()?))
        };
        let kept = registry.checks.values().filter(|c| !is_maintenance(&c.definition.id));
        let all: Vec<_> = kept.filter_map(refused).collect();
        for (id, error) in all {
            tracing::warn!(%error, check = %id, "a kept check is not run");
            // It was in the registry a moment ago.
            let _ = registry.set_status(&id, CheckStatus::Critical, &error.to_string());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, registry: &Registry) {
        let proxies: Vec<_> =
            registry.services.values().filter_map(|local| ProxyAssignment::of(local)).collect();
        let view = LocalView { services: registry.services.clone(), checks: registry.checks.clone() };
        self.view.store(Arc::new(view));
        self.proxies.send_if_modified(|known| {
            let changed = **known != proxies;
            if changed {
                *known = Arc::new(proxies);
            }
            changed
        });
        self.generation.send_modify(|n| *n += 1);
    }

    /// One change of what is registered, which happens as a whole or not at all.
    fn change<T>(&self, edit: impl FnOnce(&mut Registry) -> Result<T, LocalError>) -> Result<T, LocalError> {
        let mut registry = self.lock();
        let mut next = registry.clone();
        let done = edit(&mut next)?;
        if next.proxy_ports != registry.proxy_ports {
            self.shelf.keep_proxy_ports(&next.proxy_ports)?;
        }
        self.forget(&registry, &next)?;
        *registry = next;
        self.registrations.send_modify(|n| *n += 1);
        self.publish(&registry);
        Ok(done)
    }

    /// What is no longer registered through the API is no longer kept.
    fn forget(&self, before: &Registry, after: &Registry) -> Result<(), LocalError> {
        let service_stays = |id: &ServiceId| after.services.get(id).is_some_and(|s| s.source == Source::Api);
        let services = before.services.iter().filter(|(id, s)| s.source == Source::Api && !service_stays(id));
        services.map(|(id, _)| id).try_for_each(|id| self.shelf.forget_service(id))?;
        let check_stays = |id: &CheckId, source| after.checks.get(id).is_some_and(|c| c.source == source);
        let checks = before.checks.iter().filter(|(id, c)| !check_stays(id, c.source));
        checks.map(|(id, _)| id).try_for_each(|id| self.shelf.forget_check(id))
    }

    /// What is registered now.
    pub fn view(&self) -> Arc<LocalView> {
        self.view.load_full()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn options(&self) -> &LocalOptions {
        &self.options
    }

    /// Moves with every change of a registration or a check.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Moves when something was registered, deregistered or registered otherwise; not with results.
    pub(super) fn registrations(&self) -> watch::Receiver<u64> {
        self.registrations.subscribe()
    }

    /// The proxies that this agent is to run.
    pub fn proxies(&self) -> watch::Receiver<Arc<Vec<ProxyAssignment>>> {
        self.proxies.subscribe()
    }

    /// Checks that a service got through the API and does not bring again stay, as Consul's clients expect.
    ///
    /// # Errors
    /// A check cannot be run or may not be by this source, no port is free for its proxy, or the disk refuses.
    pub fn add_service(&self, definition: ServiceDefinition, source: Source) -> Result<(), LocalError> {
        definition.checks.iter().try_for_each(|check| self.permit(check, source))?;
        self.change(|registry| match source {
            Source::Configuration => registry.add_service(&definition, source, &self.options),
            Source::Api => {
                let whole = registry.with_kept_checks(definition);
                self.put_service(registry, &whole)
            }
        })
    }

    /// The same through the API, and the service's checks become exactly those that it brings.
    ///
    /// # Errors
    /// As for [`LocalState::add_service`].
    pub fn replace_service(&self, definition: &ServiceDefinition) -> Result<(), LocalError> {
        definition.checks.iter().try_for_each(|check| self.permit(check, Source::Api))?;
        self.change(|registry| {
            registry.embed_checks(&definition.service.id);
            self.put_service(registry, definition)
        })
    }

    fn put_service(&self, registry: &mut Registry, definition: &ServiceDefinition) -> Result<(), LocalError> {
        registry.add_service(definition, Source::Api, &self.options)?;
        self.shelf.keep_service(definition)
    }

    /// # Errors
    /// There is no such service, or it is a proxy that goes with another.
    pub fn remove_service(&self, id: &ServiceId) -> Result<(), LocalError> {
        self.change(|registry| registry.remove_service(id)).map(drop)
    }

    /// Removes a service whose check was critical for too long; of a proxy, only the proxy.
    pub(super) fn reap_service(&self, id: &ServiceId) -> Result<(), LocalError> {
        self.change(|registry| registry.take_away(id)).map(drop)
    }

    /// # Errors
    /// A script check is not allowed from this source, its service is not here, or the disk refuses.
    pub fn add_check(&self, definition: CheckDefinition, source: Source) -> Result<(), LocalError> {
        self.permit(&definition, source)?;
        self.put_check(definition, source)
    }

    fn put_check(&self, definition: CheckDefinition, source: Source) -> Result<(), LocalError> {
        self.change(|registry| {
            let id = definition.id.clone();
            registry.add_check(definition, source, &self.options)?;
            let kept = registry.checks.get(&id).filter(|_| source == Source::Api);
            kept.map_or(Ok(()), |kept| self.shelf.keep_check(&kept.definition))
        })
    }

    /// # Errors
    /// There is no such check.
    pub fn remove_check(&self, id: &CheckId) -> Result<(), LocalError> {
        self.change(|registry| registry.remove_check(id)).map(drop)
    }

    /// A refused registration must not run its check, so this comes before anything is stored.
    fn permit(&self, check: &CheckDefinition, source: Source) -> Result<(), LocalError> {
        if is_reserved(&check.id) {
            return Err(LocalError::ReservedCheck { id: check.id.clone() });
        }
        Ok(health::validate(check, self.options.scripts.allows(source))?)
    }

    /// The latest result of a check. One that is gone meanwhile is ignored.
    pub fn update_check(&self, id: &CheckId, status: CheckStatus, output: &str) {
        let mut registry = self.lock();
        if registry.set_status(id, status, output).unwrap_or(false) {
            self.publish(&registry);
        }
    }

    /// An agent that has just begun has looked at nothing yet. What the catalog has of its checks stands until it
    /// has, else all services of a host would pass for ill whenever its agent starts anew.
    pub(super) fn recall(&self, known: &[Arc<HealthCheck>]) {
        let mut registry = self.lock();
        if registry.recall(known) {
            self.publish(&registry);
        }
    }

    /// The result of a run that began when the check had been heard `heard` times. One that its service
    /// overtook with a report of its own counts no more.
    pub(super) fn take_result(&self, report: &CheckReport, heard: u64) {
        let mut registry = self.lock();
        let current = registry.checks.get(&report.check).is_some_and(|c| c.heard == heard);
        if current && registry.set_status(&report.check, report.status, &report.output).unwrap_or(false) {
            self.publish(&registry);
        }
    }

    /// What a service says of itself through its TTL check, whose time begins anew.
    ///
    /// # Errors
    /// There is no such check, or it is none for services to report.
    pub fn report_ttl(&self, id: &CheckId, status: CheckStatus, output: &str) -> Result<(), LocalError> {
        let mut registry = self.lock();
        let state = registry.hear(id, status, output, self.clock.now())?;
        self.publish(&registry);
        if let Err(error) = self.shelf.keep_ttl_state(&state) {
            tracing::warn!(%error, check = %id, "a restart will not know what the check's service said");
        }
        Ok(())
    }

    /// Takes a service out of rotation for a reason, or, without one, puts it back.
    ///
    /// # Errors
    /// There is no such service.
    pub fn set_service_maintenance(&self, id: &ServiceId, reason: Option<&str>) -> Result<(), LocalError> {
        if !self.view().services.contains_key(id) {
            return Err(LocalError::UnknownService { id: id.clone() });
        }
        self.set_maintenance(Some(id.clone()), reason)
    }

    /// The same for the whole node.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn set_node_maintenance(&self, reason: Option<&str>) -> Result<(), LocalError> {
        self.set_maintenance(None, reason)
    }

    fn set_maintenance(&self, service: Option<ServiceId>, reason: Option<&str>) -> Result<(), LocalError> {
        let id = maintenance_id(service.as_ref())?;
        let known = self.view().checks.contains_key(&id);
        match reason {
            Some(_) if known => Ok(()),
            Some(reason) => self.put_check(maintenance(id, service, reason), Source::Api),
            None if known => self.remove_check(&id),
            None => Ok(()),
        }
    }

    /// What configuration files register becomes exactly this. What stays keeps its status.
    ///
    /// # Errors
    /// One of them is not possible; nothing was changed then.
    pub fn replace_configuration(
        &self,
        services: Vec<ServiceDefinition>,
        checks: Vec<CheckDefinition>,
    ) -> Result<(), LocalError> {
        let all = services.iter().flat_map(|s| &s.checks).chain(&checks);
        all.into_iter().try_for_each(|check| self.permit(check, Source::Configuration))?;
        self.change(|registry| {
            registry.forget_configuration(&services, &checks);
            for service in services {
                registry.add_service(&service, Source::Configuration, &self.options)?;
            }
            for check in checks {
                registry.add_check(check, Source::Configuration, &self.options)?;
            }
            registry.place_kept_checks(&self.options);
            registry.forget_ports();
            for check in &registry.unplaced {
                tracing::warn!(check = %check.id, service = ?check.service, "a kept check's service is not here");
            }
            Ok(())
        })
    }
}
