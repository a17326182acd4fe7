use super::check_definition::{CheckDefinition, CheckOf, default_only};
use super::connect::Connect;
use super::error::At;
use super::proxy::Proxy;
use super::{FieldError, check_meta};
use crate::model::{self, Meta, RaftIndex, ServiceId, ServiceKind, ServiceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A service as `service/register` and configuration files define it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct ServiceDefinition {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(rename(serialize = "ID"), skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub tags: Vec<String>,
    pub address: String,
    pub tagged_addresses: BTreeMap<String, ServiceAddress>,
    pub meta: Meta,
    pub port: u16,
    pub check: Option<CheckDefinition>,
    pub checks: Vec<CheckDefinition>,
    pub weights: Option<Weights>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    pub enable_tag_override: bool,
    pub proxy: Option<Proxy>,
    /// Version 1.2 has this beside `kind`; later it is in `proxy`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy_destination: String,
    pub connect: Option<Connect>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partition: String,
}

/// An address under a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct ServiceAddress {
    pub address: String,
    pub port: u16,
}

/// DNS SRV weights by health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Weights {
    pub passing: u16,
    pub warning: u16,
}

impl Default for Weights {
    fn default() -> Self {
        model::Weights::default().into()
    }
}

impl From<model::Weights> for Weights {
    fn from(weights: model::Weights) -> Self {
        Self { passing: weights.passing, warning: weights.warning }
    }
}

impl TryFrom<Weights> for model::Weights {
    type Error = FieldError;

    fn try_from(wire: Weights) -> Result<Self, FieldError> {
        match wire.passing {
            0 => Err(FieldError::new("passing", "found 0, want 1 to 65535")),
            passing => Ok(Self { passing, warning: wire.warning }),
        }
    }
}

impl TryFrom<ServiceDefinition> for model::ServiceDefinition {
    type Error = FieldError;

    fn try_from(mut wire: ServiceDefinition) -> Result<Self, FieldError> {
        let token = std::mem::take(&mut wire.token);
        let connect = wire.connect.take().unwrap_or_default();
        let checks = wire.check.take().into_iter().chain(std::mem::take(&mut wire.checks)).collect();
        let service = node_service(wire, connect.native)?;
        let proxy = connect.into_request(&service.id).map_err(|e| e.within("connect"))?;
        if proxy.is_some() && service.kind == ServiceKind::ConnectProxy {
            return Err(FieldError::new("connect", "a proxy cannot have a proxy: leave it out"));
        }
        Ok(Self { checks: checks_of(checks, &service.id, service.name.as_str())?, service, token, proxy })
    }
}

fn node_service(wire: ServiceDefinition, native: bool) -> Result<model::NodeService, FieldError> {
    default_only("namespace", &wire.namespace)?;
    default_only("partition", &wire.partition)?;
    let name = ServiceName::new(&wire.name).at("name")?;
    let id = if wire.id.is_empty() { ServiceId::from(&name) } else { ServiceId::new(&wire.id).at("id")? };
    let kind = service_kind(&wire.kind)?;
    let proxy = proxy_config(kind, wire.proxy, wire.proxy_destination)?;
    check_address(&wire.address)?;
    check_meta("meta", &wire.meta)?;
    if kind == ServiceKind::ConnectProxy && wire.port == 0 {
        return Err(FieldError::new("port", "a proxy needs a port"));
    }
    if kind == ServiceKind::ConnectProxy && native {
        return Err(FieldError::new("connect.native", "a proxy cannot be native"));
    }
    Ok(model::NodeService {
        id,
        name,
        kind,
        tags: wire.tags,
        address: wire.address,
        tagged_addresses: wire.tagged_addresses.into_iter().map(|(tag, a)| (tag, a.into())).collect(),
        port: wire.port,
        meta: wire.meta,
        weights: wire.weights.unwrap_or_default().try_into().map_err(|e: FieldError| e.within("weights"))?,
        enable_tag_override: wire.enable_tag_override,
        proxy,
        connect_native: native,
        index: RaftIndex::default(),
    })
}

pub(super) fn service_kind(text: &str) -> Result<ServiceKind, FieldError> {
    match text {
        "" | "typical" => Ok(ServiceKind::Typical),
        "connect-proxy" => Ok(ServiceKind::ConnectProxy),
        _ => Err(FieldError::new("kind", format!("found {text:?}, want \"connect-proxy\" or nothing"))),
    }
}

/// The proxy part of a registration, wherever the version of the client has put it.
pub(super) fn proxy_config(
    kind: ServiceKind,
    proxy: Option<Proxy>,
    proxy_destination: String,
) -> Result<Option<model::ProxyConfig>, FieldError> {
    let mut proxy = proxy.unwrap_or_default();
    if proxy.destination_service_name.is_empty() {
        proxy.destination_service_name = proxy_destination;
    }
    match kind {
        ServiceKind::ConnectProxy => proxy.into_model().map(Some).map_err(|e| e.within("proxy")),
        ServiceKind::Typical if proxy.is_empty() => Ok(None),
        ServiceKind::Typical => Err(FieldError::new(
            "proxy",
            "only a service of kind \"connect-proxy\" has it; did you mean connect.proxy?",
        )),
    }
}

/// Nobody can connect to "any address".
pub(super) fn check_address(address: &str) -> Result<(), FieldError> {
    match address.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => Err(FieldError::new(
            "address",
            format!("found {address:?}, want an address that others can connect to"),
        )),
        _ if address.len() > 255 || address.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Err(FieldError::new("address", "want an IP address or host name of at most 255 characters"))
        }
        _ => Ok(()),
    }
}

/// The checks of one service. Empty ones, which clients send for "none", are left out.
pub(super) fn checks_of(
    checks: Vec<CheckDefinition>,
    id: &ServiceId,
    name: &str,
) -> Result<Vec<model::CheckDefinition>, FieldError> {
    let checks: Vec<_> = checks.into_iter().filter(|check| !check.is_empty()).collect();
    let several = checks.len() > 1;
    let convert = |(index, check): (usize, CheckDefinition)| {
        let position = several.then_some(index + 1);
        let field = if several { format!("checks[{index}]") } else { "check".to_owned() };
        check.into_model(CheckOf::Service { id, name, position }).map_err(|e| e.within(&field))
    };
    checks.into_iter().enumerate().map(convert).collect()
}

impl From<ServiceAddress> for model::ServiceAddress {
    fn from(wire: ServiceAddress) -> Self {
        Self { address: wire.address, port: wire.port }
    }
}

impl From<&model::ServiceAddress> for ServiceAddress {
    fn from(address: &model::ServiceAddress) -> Self {
        Self { address: address.address.clone(), port: address.port }
    }
}
