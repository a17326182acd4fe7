use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::{Answer, Answered};
use crate::http::call::Call;
use crate::local::{LocalService, Source};
use crate::model::{ProxyRequest, ServiceDefinition, ServiceId};
use crate::wire;
use std::sync::Arc;

/// Registers a service with this agent, which is the truth about it: the catalog follows.
pub async fn register(call: Call) -> Answered {
    let definition = ServiceDefinition::try_from(call.json::<wire::ServiceDefinition>()?)?;
    let replace = call.parameters.flag("replace-existing-checks")?;
    let service = &definition.service;
    call.enforce(Access::SERVICE_WRITE, service.name.as_str())?;
    if let Some(before) = call.deps.local.view().services.get(&service.id) {
        call.enforce(Access::SERVICE_WRITE, before.service.name.as_str())?;
    }
    check_managed(&call, &definition)?;
    if replace {
        call.deps.local.replace_service(&definition)?;
    } else {
        call.deps.local.add_service(definition, Source::Api)?;
    }
    Ok(Answer::empty())
}

fn check_managed(call: &Call, definition: &ServiceDefinition) -> Result<(), ApiError> {
    let managed = matches!(definition.proxy, Some(ProxyRequest::Managed(_)));
    if managed && !call.deps.settings.managed_proxies {
        return Err(ApiError::bad_request(
            "managed proxies are not allowed through the API: set connect.proxy.allow_managed_api_registration, or use a sidecar_service",
        ));
    }
    Ok(())
}

pub async fn deregister(call: Call) -> Answered {
    let id = writable(&call)?.service.id.clone();
    call.deps.local.remove_service(&id)?;
    Ok(Answer::empty())
}

/// Takes a service out of rotation, or puts it back.
pub async fn maintenance(call: Call) -> Answered {
    let enable = enable(&call)?;
    let id = writable(&call)?.service.id.clone();
    call.deps.local.set_service_maintenance(&id, reason(&call, enable))?;
    Ok(Answer::empty())
}

/// `?enable=`, which has to be said.
pub fn enable(call: &Call) -> Result<bool, ApiError> {
    match call.parameters.filled("enable") {
        None => Err(ApiError::bad_request("Missing value for enable")),
        Some(_) => call.parameters.flag("enable"),
    }
}

/// The reason to be in maintenance, or that there is none any more.
pub fn reason(call: &Call, enable: bool) -> Option<&str> {
    enable.then(|| call.parameters.get("reason").unwrap_or_default())
}

/// The service in the path, which the caller may write.
fn writable(call: &Call) -> Result<Arc<LocalService>, ApiError> {
    let id = ServiceId::new(call.named("service id")?)?;
    let view = call.deps.local.view();
    let unknown = || {
        ApiError::not_found(format!(
            "Unknown service ID {id:?}. Ensure that the service ID is passed, not the service name."
        ))
    };
    let local = view.services.get(&id).ok_or_else(unknown)?;
    call.enforce(Access::SERVICE_WRITE, local.service.name.as_str())?;
    Ok(local.clone())
}
