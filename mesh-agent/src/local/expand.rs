use super::ports::{PortsInUse, choose};
use super::{LocalError, LocalOptions};
use crate::model::{
    CheckDefinition, CheckId, ManagedProxy, NodeService, Opaque, Probe, ProxyConfig, ProxyRequest,
    ServiceDefinition, ServiceId, ServiceKind, ServiceName, SidecarRequest,
};
use std::net::IpAddr;
use std::time::Duration;

/// The proxy that a definition asks for, as a registration of its own.
pub(super) struct Derived {
    pub service: NodeService,
    pub checks: Vec<CheckDefinition>,
    pub run_here: bool,
}

/// How often a proxy's own port is probed.
const LISTENING_INTERVAL: Duration = Duration::from_secs(10);

/// The registration that a definition implies beside its service. Pure: which ports are in use is passed in.
pub(super) fn expand(
    definition: &ServiceDefinition,
    options: &LocalOptions,
    ports: &PortsInUse,
) -> Result<Option<Derived>, LocalError> {
    match &definition.proxy {
        None => Ok(None),
        Some(ProxyRequest::Managed(managed)) => self::managed(definition, managed, options, ports).map(Some),
        Some(ProxyRequest::Sidecar(sidecar)) => self::sidecar(definition, sidecar, options, ports).map(Some),
    }
}

const MANAGED: &str = "-proxy";
const SIDECAR: &str = "-sidecar-proxy";

/// The id of the proxy that a definition asks for, where it can have one.
pub(super) fn proxy_id(definition: &ServiceDefinition) -> Option<ServiceId> {
    let suffix = match definition.proxy.as_ref()? {
        ProxyRequest::Managed(_) => MANAGED,
        ProxyRequest::Sidecar(_) => SIDECAR,
    };
    derived_names(definition, suffix).ok().map(|(id, _)| id)
}

fn derived_names(
    definition: &ServiceDefinition,
    suffix: &str,
) -> Result<(ServiceId, ServiceName), LocalError> {
    let parent = &definition.service;
    let refused = |source| LocalError::DerivedName { service: parent.id.clone(), source };
    let id = ServiceId::new(&format!("{}{suffix}", parent.id)).map_err(refused)?;
    let name = ServiceName::new(&format!("{}{suffix}", parent.name)).map_err(refused)?;
    CheckId::new(&format!("service:{id}:{}", usize::MAX)).map_err(refused)?;
    Ok((id, name))
}

/// Consul 1.2's managed proxy: `<id>-proxy` on a port of the agent's choice.
fn managed(
    definition: &ServiceDefinition,
    managed: &ManagedProxy,
    options: &LocalOptions,
    ports: &PortsInUse,
) -> Result<Derived, LocalError> {
    let parent = &definition.service;
    let (id, name) = derived_names(definition, MANAGED)?;
    let mut config = options.proxy_defaults.clone();
    config.extend(managed.config.clone());
    let port = match config.get("bind_port").and_then(serde_json::Value::as_u64) {
        Some(port) => u16::try_from(port).unwrap_or_default(),
        None => choose(&id, &options.proxy_ports, ports)?,
    };
    let (host, app_port) = managed_app(&config, parent.port);
    let proxy = ProxyConfig {
        destination: parent.name.clone(),
        destination_id: Some(parent.id.clone()),
        local_service_address: Some(host),
        local_service_port: Some(app_port),
        upstreams: managed.upstreams.clone(),
        config,
        mode: String::new(),
    };
    let service = proxy_service(parent, id, name, port, proxy);
    let checks = vec![listening(&service, "Connect Proxy Listening", 1, options.proxy_bind)];
    Ok(Derived { run_here: !is_external(&service), service, checks })
}

/// `local_service_address` of a managed proxy is `host:port`, by default the service's port on loopback.
fn managed_app(config: &Opaque, port: u16) -> (String, u16) {
    let configured = config.get("local_service_address").and_then(|v| v.as_str());
    let parsed =
        configured.and_then(|a| a.rsplit_once(':')).and_then(|(h, p)| Some((h.to_owned(), p.parse().ok()?)));
    parsed.unwrap_or_else(|| ("127.0.0.1".to_owned(), port))
}

/// `<id>-sidecar-proxy`, with defaults from the service it stands before.
fn sidecar(
    definition: &ServiceDefinition,
    sidecar: &SidecarRequest,
    options: &LocalOptions,
    ports: &PortsInUse,
) -> Result<Derived, LocalError> {
    let parent = &definition.service;
    let (id, name) = derived_names(definition, SIDECAR)?;
    let port = match sidecar.port.filter(|port| *port != 0) {
        Some(port) => port,
        None => choose(&id, &options.sidecar_ports, ports)?,
    };
    let proxy = ProxyConfig {
        destination: parent.name.clone(),
        destination_id: Some(parent.id.clone()),
        local_service_address: Some(
            sidecar.local_service_address.clone().unwrap_or_else(|| "127.0.0.1".to_owned()),
        ),
        local_service_port: Some(sidecar.local_service_port.unwrap_or(parent.port)),
        upstreams: sidecar.upstreams.clone(),
        config: sidecar.config.clone(),
        mode: sidecar.mode.clone(),
    };
    let mut service = proxy_service(parent, id, name, port, proxy);
    service.address = sidecar.address.clone().unwrap_or_else(|| parent.address.clone());
    service.tags = sidecar.tags.clone().unwrap_or_else(|| parent.tags.clone());
    service.meta = sidecar.meta.clone().unwrap_or_else(|| parent.meta.clone());
    let checks = sidecar_checks(sidecar, &service, parent, options.proxy_bind);
    let run_here = !options.external_sidecars && !is_external(&service);
    Ok(Derived { service, checks, run_here })
}

fn sidecar_checks(
    sidecar: &SidecarRequest,
    service: &NodeService,
    parent: &NodeService,
    bind: IpAddr,
) -> Vec<CheckDefinition> {
    match &sidecar.checks {
        Some(checks) => checks.iter().enumerate().map(|(n, c)| adopt(c, service, n + 1)).collect(),
        None => vec![listening(service, "Connect Sidecar Listening", 1, bind), aliasing(service, parent, 2)],
    }
}

/// A check that a sidecar brings belongs to the sidecar, whose id its author could not know.
fn adopt(check: &CheckDefinition, service: &NodeService, number: usize) -> CheckDefinition {
    CheckDefinition { id: check_id(service, number), service: Some(service.id.clone()), ..check.clone() }
}

fn proxy_service(
    parent: &NodeService,
    id: ServiceId,
    name: ServiceName,
    port: u16,
    proxy: ProxyConfig,
) -> NodeService {
    NodeService {
        id,
        name,
        kind: ServiceKind::ConnectProxy,
        port,
        proxy: Some(proxy),
        connect_native: false,
        tagged_addresses: Default::default(),
        ..parent.clone()
    }
}

fn is_external(service: &NodeService) -> bool {
    let config = service.proxy.as_ref().map(|p| &p.config);
    config.and_then(|c| c.get("external")).and_then(serde_json::Value::as_bool).unwrap_or(false)
}

fn check_id(service: &NodeService, number: usize) -> CheckId {
    CheckId::new(&format!("service:{}:{number}", service.id)).expect("derived_names left room for it")
}

fn base(service: &NodeService, number: usize, name: &str, probe: Probe) -> CheckDefinition {
    CheckDefinition {
        service: Some(service.id.clone()),
        interval: LISTENING_INTERVAL,
        timeout: LISTENING_INTERVAL,
        ..CheckDefinition::new(check_id(service, number), name, probe)
    }
}

/// Probes the proxy where it binds, which need not be where others reach it.
fn listening(service: &NodeService, name: &str, number: usize, bind: IpAddr) -> CheckDefinition {
    let loopback: IpAddr =
        if bind.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
    let host = if bind.is_unspecified() { loopback } else { bind };
    let address = std::net::SocketAddr::new(host, service.port).to_string();
    base(service, number, name, Probe::Tcp { address })
}

fn aliasing(service: &NodeService, parent: &NodeService, number: usize) -> CheckDefinition {
    let probe = Probe::Alias { node: None, service: Some(parent.id.clone()) };
    base(service, number, &format!("Connect Sidecar Aliasing {}", parent.id), probe)
}
