use super::LocalError;
use crate::model::{CheckDefinition, CheckId, Probe, ServiceId};
use std::time::Duration;

/// The id of the check that takes a service out of rotation, or the node without one.
///
/// # Errors
/// The service's id is too long for it.
pub(super) fn maintenance_id(service: Option<&ServiceId>) -> Result<CheckId, LocalError> {
    let Some(service) = service else {
        return Ok(CheckId::new(NODE_MAINTENANCE).expect("a constant that is a valid id"));
    };
    CheckId::new(&format!("{SERVICE_MAINTENANCE}{service}"))
        .map_err(|source| LocalError::DerivedName { service: service.clone(), source })
}

/// Nobody probes or reports it.
pub(super) fn is_maintenance(id: &CheckId) -> bool {
    id.as_str() == NODE_MAINTENANCE || id.as_str().starts_with(SERVICE_MAINTENANCE)
}

/// The agent alone registers it.
pub(super) fn is_reserved(id: &CheckId) -> bool {
    id.as_str() == ALIVE || is_maintenance(id)
}

/// The check that says that this node's agent is alive; clients and DNS expect it on every node.
pub(super) const ALIVE: &str = "serfHealth";
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
        notes: if reason.is_empty() { default.to_owned() } else { reason.to_owned() },
        service,
        interval: FOREVER,
        timeout: FOREVER,
        output_max_size: 0,
        ..CheckDefinition::new(id, name, Probe::Ttl { ttl: FOREVER })
    }
}
