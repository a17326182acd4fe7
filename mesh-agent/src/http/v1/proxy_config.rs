use super::hash_wait::wait_for_other_hash;
use crate::acl::Access;
use crate::http::ApiError;
use crate::http::answer::Answered;
use crate::http::call::Call;
use crate::http::read::CONTENT_HASH;
use crate::local::{LocalService, LocalView};
use crate::model::{ManagedProxy, Opaque, ProxyConfig, ProxyRequest, ServiceId};
use crate::wire::{ConnectProxyConfig, Proxy};
use serde_json::json;

/// How a managed proxy of version 1.2 is to run; with `?hash=`, once that has changed.
pub async fn show(call: Call) -> Answered {
    let id = ServiceId::new(call.named("proxy id")?)?;
    let hash = |view: &LocalView| view.services.get(&id).map(|local| local.content_hash.clone());
    wait_for_other_hash(&call, hash).await;
    let view = call.deps.local.view();
    let unknown = || ApiError::not_found(format!("unknown proxy service ID: {id}"));
    let (local, managed, proxy) =
        view.services.get(&id).and_then(|local| parts(local)).ok_or_else(unknown)?;
    call.enforce(Access::SERVICE_WRITE, proxy.destination.as_str())?;
    let shown = ConnectProxyConfig {
        proxy_service_id: id.to_string(),
        target_service_id: local.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        target_service_name: proxy.destination.to_string(),
        content_hash: local.content_hash.clone(),
        exec_mode: managed.exec_mode.clone(),
        command: managed.command.clone(),
        config: config(&call, local, proxy),
        upstreams: Proxy::from(proxy).upstreams,
    };
    Ok(call.json_answer(&shown)?.with(CONTENT_HASH, &local.content_hash))
}

/// The registration of a managed proxy with what asked for it; `None` for everything else.
fn parts(local: &LocalService) -> Option<(&LocalService, &ManagedProxy, &ProxyConfig)> {
    match (&local.parent, &local.definition.proxy, &local.service.proxy) {
        (Some(_), Some(ProxyRequest::Managed(managed)), Some(proxy)) => Some((local, managed, proxy)),
        _ => None,
    }
}

/// What was configured, and where nothing was, the values in effect.
fn config(call: &Call, local: &LocalService, proxy: &ProxyConfig) -> Opaque {
    let mut config = proxy.config.clone();
    let mut default = |key: &str, value: serde_json::Value| {
        config.entry(key.to_owned()).or_insert(value);
    };
    default("bind_address", json!(call.deps.local.options().proxy_bind));
    default("bind_port", json!(local.service.port));
    let host = proxy.local_service_address.as_deref().unwrap_or("127.0.0.1");
    default(
        "local_service_address",
        json!(format!("{host}:{}", proxy.local_service_port.unwrap_or_default())),
    );
    config
}
