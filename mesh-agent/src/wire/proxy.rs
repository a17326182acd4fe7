use super::FieldError;
use super::check_definition::{default_only, optional};
use super::decode::{self, Style, fold};
use super::error::{At, each};
use crate::model::{self, Datacenter, Opaque, ServiceId, ServiceName, UpstreamKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// What a proxy's registration says of the service it stands before, both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Proxy {
    #[serde(skip_serializing_if = "String::is_empty", alias = "destination_service")]
    pub destination_service_name: String,
    #[serde(rename(serialize = "DestinationServiceID"), skip_serializing_if = "String::is_empty")]
    pub destination_service_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_service_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_service_port: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
    #[serde(skip_serializing_if = "Opaque::is_empty")]
    pub config: Opaque,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Upstream>,
    pub mesh_gateway: Opaque,
    pub expose: Opaque,
    #[serde(skip_serializing_if = "Opaque::is_empty")]
    pub transparent_proxy: Opaque,
}

/// A local listener that leads to another service, both ways.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Upstream {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_partition: String,
    pub destination_name: String,
    /// Version 1.2 says `destination_datacenter`.
    #[serde(alias = "destination_datacenter", skip_serializing_if = "String::is_empty")]
    pub datacenter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_bind_address: String,
    pub local_bind_port: u16,
    #[serde(skip_serializing_if = "Opaque::is_empty")]
    pub config: Opaque,
    /// Where version 1.2 has it; kept in `config`.
    #[serde(skip_serializing)]
    pub connect_timeout_ms: Option<u64>,
    pub mesh_gateway: Opaque,
}

impl Proxy {
    /// Nothing is said in it; services that are no proxies are read back with one.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// The destination is missing, or a field is not valid.
    pub fn into_model(self) -> Result<model::ProxyConfig, FieldError> {
        self.refuse_unsupported()?;
        if self.destination_service_name.is_empty() {
            let reason = "a proxy needs the name of the service it stands before";
            return Err(FieldError::new("destination_service_name", reason));
        }
        Ok(model::ProxyConfig {
            destination: ServiceName::new(&self.destination_service_name).at("destination_service_name")?,
            destination_id: optional(&self.destination_service_id, ServiceId::new, "destination_service_id")?,
            local_service_address: Some(self.local_service_address).filter(|text| !text.is_empty()),
            local_service_port: self.local_service_port.filter(|port| *port != 0),
            upstreams: upstreams(self.upstreams)?,
            config: self.config,
            mode: self.mode,
        })
    }

    /// What would silently not happen is refused.
    pub(super) fn refuse_unsupported(&self) -> Result<(), FieldError> {
        gateway(&self.mesh_gateway)?;
        let exposes = |value: &serde_json::Value| match value {
            serde_json::Value::Bool(flag) => *flag,
            serde_json::Value::Array(paths) => !paths.is_empty(),
            other => !other.is_null(),
        };
        if self.expose.values().any(exposes) {
            return Err(FieldError::new(
                "expose",
                "exposing paths past the proxy is not supported: leave it out",
            ));
        }
        match self.mode.as_str() {
            "" | "direct" | "transparent" => Ok(()),
            other => {
                Err(FieldError::new("mode", format!("found {other:?}, want \"direct\" or \"transparent\"")))
            }
        }
    }
}

fn gateway(mesh_gateway: &Opaque) -> Result<(), FieldError> {
    match mesh_gateway.values().find_map(serde_json::Value::as_str) {
        None | Some("" | "none") => Ok(()),
        Some(mode) => {
            Err(FieldError::new("mesh_gateway", format!("mode {mode:?} is not supported: want \"none\"")))
        }
    }
}

impl From<&model::ProxyConfig> for Proxy {
    fn from(proxy: &model::ProxyConfig) -> Self {
        Self {
            destination_service_name: proxy.destination.to_string(),
            destination_service_id: proxy
                .destination_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            local_service_address: proxy.local_service_address.clone().unwrap_or_default(),
            local_service_port: proxy.local_service_port,
            mode: proxy.mode.clone(),
            config: proxy.config.clone(),
            upstreams: proxy.upstreams.iter().map(Upstream::from).collect(),
            ..Self::default()
        }
    }
}

impl TryFrom<Upstream> for model::Upstream {
    type Error = FieldError;

    fn try_from(wire: Upstream) -> Result<Self, FieldError> {
        default_only("destination_namespace", &wire.destination_namespace)?;
        default_only("destination_partition", &wire.destination_partition)?;
        gateway(&wire.mesh_gateway)?;
        if wire.local_bind_port == 0 {
            return Err(FieldError::new(
                "local_bind_port",
                "an upstream needs a port from 1 to 65535 to listen on",
            ));
        }
        let mut config = wire.config;
        if let Some(millis) = wire.connect_timeout_ms {
            config.insert("connect_timeout_ms".to_owned(), millis.into());
        }
        Ok(Self {
            kind: upstream_kind(&wire.destination_type)?,
            destination: ServiceName::new(&wire.destination_name).at("destination_name")?,
            datacenter: optional(&wire.datacenter, Datacenter::new, "datacenter")?,
            local_bind_address: bind_address(&wire.local_bind_address)?,
            local_bind_port: wire.local_bind_port,
            config,
        })
    }
}

impl From<&model::Upstream> for Upstream {
    fn from(upstream: &model::Upstream) -> Self {
        let destination_type = match upstream.kind {
            UpstreamKind::Service => "service",
            UpstreamKind::PreparedQuery => "prepared_query",
        };
        Self {
            destination_type: destination_type.to_owned(),
            destination_name: upstream.destination.to_string(),
            datacenter: upstream.datacenter.as_ref().map(ToString::to_string).unwrap_or_default(),
            local_bind_address: upstream.local_bind_address.to_string(),
            local_bind_port: upstream.local_bind_port,
            config: upstream.config.clone(),
            ..Self::default()
        }
    }
}

fn upstream_kind(text: &str) -> Result<UpstreamKind, FieldError> {
    match text {
        "" | "service" => Ok(UpstreamKind::Service),
        "prepared_query" => Ok(UpstreamKind::PreparedQuery),
        _ => {
            let reason = format!("found {text:?}, want \"service\" or \"prepared_query\"");
            Err(FieldError::new("destination_type", reason))
        }
    }
}

fn bind_address(text: &str) -> Result<IpAddr, FieldError> {
    match text {
        "" | "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        _ => text.parse().map_err(|_| {
            FieldError::new(
                "local_bind_address",
                format!("found {text:?}, want an IP address such as 127.0.0.1"),
            )
        }),
    }
}

/// All upstreams of one proxy. No two may listen in one place.
pub(super) fn upstreams(list: Vec<Upstream>) -> Result<Vec<model::Upstream>, FieldError> {
    let list = each("upstreams", list, model::Upstream::try_from)?;
    let mut places = BTreeSet::new();
    for (index, upstream) in list.iter().enumerate() {
        let place = (upstream.local_bind_address, upstream.local_bind_port);
        if !places.insert(place) {
            let reason = format!("another upstream listens on {} port {} already", place.0, place.1);
            return Err(FieldError::new(format!("upstreams[{index}].local_bind_port"), reason));
        }
    }
    Ok(list)
}

/// The upstreams that a managed proxy has inside its `config`.
pub(super) fn upstreams_in(config: &Opaque) -> Result<Vec<model::Upstream>, FieldError> {
    let Some((_, value)) = config.iter().find(|(key, _)| fold(key) == "upstreams") else { return Ok(vec![]) };
    let list: Vec<Upstream> = decode::from_value(value.clone(), Style::Config).map_err(|error| {
        let dot = if error.path.is_empty() || error.path.starts_with('[') { "" } else { "." };
        FieldError::new(format!("upstreams{dot}{}", error.path), error.problem)
    })?;
    upstreams(list)
}
