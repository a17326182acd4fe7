use super::persist::Shelf;
use super::registry::{Registry, maintenance, maintenance_id};
use super::{LocalCheck, LocalError, LocalOptions, LocalService, ProxyAssignment, ScriptPolicy, Source};
use crate::model::{CheckDefinition, CheckId, CheckStatus, Probe, ServiceDefinition, ServiceId};
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What is registered here at one moment.
#[derive(Clone, Debug, Default)]
pub struct LocalView {
    pub services: BTreeMap<ServiceId, LocalService>,
    pub checks: BTreeMap<CheckId, LocalCheck>,
}

/// This node's registrations. Writers take turns; readers see the newest view without a lock.
pub struct LocalState {
    options: LocalOptions,
    shelf: Shelf,
    registry: Mutex<Registry>,
    view: ArcSwap<LocalView>,
    /// Counts changes.
    generation: watch::Sender<u64>,
    proxies: watch::Sender<Arc<Vec<ProxyAssignment>>>,
}

impl LocalState {
    /// Takes up what was kept on disk. A damaged file is set aside and said in the log.
    pub fn open(options: LocalOptions) -> Self {
        let local = Self {
            shelf: Shelf::new(options.data_dir.as_deref()),
            options,
            registry: Mutex::default(),
            view: ArcSwap::default(),
            generation: watch::Sender::new(0),
            proxies: watch::Sender::new(Arc::default()),
        };
        local.restore();
        local
    }

    fn restore(&self) {
        let mut registry = self.lock();
        for definition in self.shelf.services() {
            let id = definition.service.id.clone();
            if let Err(error) = registry.add_service(&definition, Source::Api, &self.options) {
                tracing::warn!(%error, service = %id, "a kept registration could not be taken up again");
            }
        }
        for definition in self.shelf.checks() {
            let id = definition.id.clone();
            if let Err(error) = registry.add_check(definition, Source::Api, &self.options) {
                tracing::warn!(%error, check = %id, "a kept check could not be taken up again");
            }
        }
        self.publish(&registry);
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, registry: &Registry) {
        let proxies: Vec<_> = registry.services.values().filter_map(ProxyAssignment::of).collect();
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

    /// One change that happens as a whole or not at all.
    fn change<T>(&self, edit: impl FnOnce(&mut Registry) -> Result<T, LocalError>) -> Result<T, LocalError> {
        let mut registry = self.lock();
        let mut next = registry.clone();
        let done = edit(&mut next)?;
        *registry = next;
        self.publish(&registry);
        Ok(done)
    }

    /// What is registered now.
    pub fn view(&self) -> Arc<LocalView> {
        self.view.load_full()
    }

    pub fn options(&self) -> &LocalOptions {
        &self.options
    }

    /// Moves with every change of a registration or a check.
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// The proxies that this agent is to run.
    pub fn proxies(&self) -> watch::Receiver<Arc<Vec<ProxyAssignment>>> {
        self.proxies.subscribe()
    }

    /// # Errors
    /// A script check is not allowed from this source, no port is free for its proxy, or the disk refuses.
    #[expect(clippy::needless_pass_by_value, reason = "a registration is handed over to the agent")]
    pub fn add_service(&self, definition: ServiceDefinition, source: Source) -> Result<(), LocalError> {
        definition.checks.iter().try_for_each(|check| self.permit(check, source))?;
        self.change(|registry| {
            registry.add_service(&definition, source, &self.options)?;
            if source == Source::Api { self.shelf.keep_service(&definition) } else { Ok(()) }
        })
    }

    /// # Errors
    /// There is no such service, or it is a proxy that goes with another.
    pub fn remove_service(&self, id: &ServiceId) -> Result<(), LocalError> {
        self.change(|registry| {
            registry.remove_service(id)?;
            let on_disk = self.shelf.checks();
            for check in on_disk.iter().filter(|c| c.service.as_ref() == Some(id)) {
                self.shelf.forget_check(&check.id)?;
            }
            self.shelf.forget_service(id)
        })
    }

    /// # Errors
    /// A script check is not allowed from this source, its service is not here, or the disk refuses.
    #[expect(clippy::needless_pass_by_value, reason = "a registration is handed over to the agent")]
    pub fn add_check(&self, definition: CheckDefinition, source: Source) -> Result<(), LocalError> {
        self.permit(&definition, source)?;
        self.change(|registry| {
            registry.add_check(definition.clone(), source, &self.options)?;
            if source == Source::Api { self.shelf.keep_check(&definition) } else { Ok(()) }
        })
    }

    /// # Errors
    /// There is no such check.
    pub fn remove_check(&self, id: &CheckId) -> Result<(), LocalError> {
        self.change(|registry| {
            registry.remove_check(id)?;
            self.shelf.forget_check(id)
        })
    }

    /// A refused registration must not run its check, so this comes before anything is stored.
    fn permit(&self, check: &CheckDefinition, source: Source) -> Result<(), LocalError> {
        let Probe::Script { .. } = check.probe else { return Ok(()) };
        match (self.options.scripts, source) {
            (ScriptPolicy::Anybody, _) | (ScriptPolicy::ConfigurationOnly, Source::Configuration) => Ok(()),
            (_, Source::Api) => Err(LocalError::ScriptsOff { id: check.id.clone(), from: "through the API" }),
            (_, Source::Configuration) => {
                Err(LocalError::ScriptsOff { id: check.id.clone(), from: "at all" })
            }
        }
    }

    /// The latest result of a check. One that is gone meanwhile is ignored.
    pub fn update_check(&self, id: &CheckId, status: CheckStatus, output: &str) {
        let mut registry = self.lock();
        if registry.set_status(id, status, output).unwrap_or(false) {
            self.publish(&registry);
        }
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
        let Some(id) = maintenance_id(service.as_ref()) else { return Ok(()) };
        let known = self.view().checks.contains_key(&id);
        match reason {
            Some(_) if known => Ok(()),
            Some(reason) => self.add_check(maintenance(id, service, reason), Source::Api),
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
            Ok(())
        })
    }
}
