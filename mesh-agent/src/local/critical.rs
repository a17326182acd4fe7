use super::LocalView;
use crate::model::{CheckId, CheckStatus, ServiceId};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Since when checks have been critical whose services are to go if that lasts.
#[derive(Debug, Default)]
pub(super) struct CriticalSince {
    since: HashMap<CheckId, Doomed>,
}

#[derive(Debug)]
struct Doomed {
    service: ServiceId,
    deadline: Instant,
}

impl CriticalSince {
    /// Takes note of what is critical now, and says when the first service has to go.
    pub fn observe(&mut self, view: &LocalView, now: Instant) -> Option<Instant> {
        let doomed =
            |id: &CheckId| view.checks.get(id).is_some_and(|c| c.check.status == CheckStatus::Critical);
        self.since.retain(|id, _| doomed(id));
        for (id, local) in &view.checks {
            let definition = &local.definition;
            let (Some(service), Some(after)) = (&definition.service, definition.deregister_critical_after)
            else {
                continue;
            };
            if local.check.status == CheckStatus::Critical {
                self.note(id, service, now, after);
            }
        }
        self.since.values().map(|d| d.deadline).min()
    }

    fn note(&mut self, check: &CheckId, service: &ServiceId, now: Instant, after: Duration) {
        let doomed = || Doomed { service: service.clone(), deadline: now + after };
        self.since.entry(check.clone()).or_insert_with(doomed);
    }

    /// Gives a service that could not be taken away some more time.
    pub fn postpone(&mut self, service: &ServiceId, until: Instant) {
        for doomed in self.since.values_mut().filter(|d| d.service == *service) {
            doomed.deadline = doomed.deadline.max(until);
        }
    }

    /// The services whose time is over.
    pub fn expired(&self, now: Instant) -> Vec<ServiceId> {
        let mut over: Vec<_> =
            self.since.values().filter(|d| d.deadline <= now).map(|d| d.service.clone()).collect();
        over.sort();
        over.dedup();
        over
    }
}
