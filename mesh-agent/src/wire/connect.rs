use super::check_definition::CheckDefinition;
use super::error::At;
use super::proxy::{upstreams, upstreams_in};
use super::service_definition::{ServiceDefinition, checks_of};
use super::{FieldError, check_meta};
use crate::model::{self, Opaque, ProxyRequest, ServiceId, SidecarRequest};
use serde::{Deserialize, Serialize};

/// How a service takes part in the mesh.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct Connect {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub native: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ManagedProxy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecar_service: Option<Box<ServiceDefinition>>,
}

/// The managed proxy of version 1.2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all(serialize = "PascalCase"))]
pub struct ManagedProxy {
    pub exec_mode: String,
    pub command: Vec<String>,
    pub config: Opaque,
    /// From version 1.3 on beside `config`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<super::Upstream>,
}

impl Connect {
    /// # Errors
    /// Two kinds of proxy are asked for at once, or one is not valid.
    pub(super) fn into_request(self, of: &ServiceId) -> Result<Option<ProxyRequest>, FieldError> {
        match (self.native, self.proxy, self.sidecar_service) {
            (_, None, None) => Ok(None),
            (false, Some(proxy), None) => {
                let proxy = proxy.try_into().map_err(|e: FieldError| e.within("proxy"))?;
                Ok(Some(ProxyRequest::Managed(proxy)))
            }
            (false, None, Some(sidecar)) => {
                let sidecar = sidecar_request(*sidecar, of).map_err(|e| e.within("sidecar_service"))?;
                Ok(Some(ProxyRequest::Sidecar(Box::new(sidecar))))
            }
            (true, ..) => {
                Err(FieldError::new("native", "a service that is native has no proxy: give one of both"))
            }
            (false, Some(_), Some(_)) => {
                Err(FieldError::new("proxy", "give proxy or sidecar_service, not both"))
            }
        }
    }
}

impl TryFrom<ManagedProxy> for model::ManagedProxy {
    type Error = FieldError;

    fn try_from(wire: ManagedProxy) -> Result<Self, FieldError> {
        match wire.exec_mode.as_str() {
            "" | "daemon" | "script" => {}
            other => {
                let reason = format!("found {other:?}, want \"daemon\" or \"script\"");
                return Err(FieldError::new("exec_mode", reason));
            }
        }
        let inside = upstreams_in(&wire.config).map_err(|e| e.within("config"))?;
        let beside = upstreams(wire.upstreams)?;
        if !inside.is_empty() && !beside.is_empty() {
            return Err(FieldError::new("upstreams", "they are in config too: give them once"));
        }
        let upstreams = if beside.is_empty() { inside } else { beside };
        Ok(Self { exec_mode: wire.exec_mode, command: wire.command, config: wire.config, upstreams })
    }
}

impl From<&model::ManagedProxy> for ManagedProxy {
    fn from(proxy: &model::ManagedProxy) -> Self {
        Self {
            exec_mode: proxy.exec_mode.clone(),
            command: proxy.command.clone(),
            config: proxy.config.clone(),
            upstreams: vec![],
        }
    }
}

fn sidecar_request(sidecar: ServiceDefinition, of: &ServiceId) -> Result<SidecarRequest, FieldError> {
    refuse_in_sidecar(&sidecar)?;
    check_meta("meta", &sidecar.meta)?;
    let proxy = sidecar.proxy.unwrap_or_default();
    proxy.refuse_unsupported().map_err(|e| e.within("proxy"))?;
    let id = SidecarRequest::id_of(of).at("id")?;
    let checks: Vec<CheckDefinition> = sidecar.check.into_iter().chain(sidecar.checks).collect();
    let checks = checks_of(checks, &id, id.as_str())?;
    Ok(SidecarRequest {
        port: Some(sidecar.port).filter(|port| *port != 0),
        address: Some(sidecar.address).filter(|address| !address.is_empty()),
        tags: Some(sidecar.tags).filter(|tags| !tags.is_empty()),
        meta: Some(sidecar.meta).filter(|meta| !meta.is_empty()),
        checks: Some(checks).filter(|checks| !checks.is_empty()),
        local_service_address: Some(proxy.local_service_address).filter(|text| !text.is_empty()),
        local_service_port: proxy.local_service_port.filter(|port| *port != 0),
        upstreams: upstreams(proxy.upstreams).map_err(|e| e.within("proxy"))?,
        config: proxy.config,
        mode: proxy.mode,
    })
}

/// What the sidecar takes from its service cannot be said again.
fn refuse_in_sidecar(sidecar: &ServiceDefinition) -> Result<(), FieldError> {
    let derived = "it is derived from the service: leave it out";
    let proxy = sidecar.proxy.as_ref();
    match () {
        () if !sidecar.id.is_empty() => Err(FieldError::new("id", derived)),
        () if !matches!(sidecar.kind.as_str(), "" | "connect-proxy") => Err(FieldError::new(
            "kind",
            format!("found {:?}, want \"connect-proxy\" or nothing", sidecar.kind),
        )),
        () if proxy.is_some_and(|proxy| !proxy.destination_service_name.is_empty()) => {
            Err(FieldError::new("proxy.destination_service_name", derived))
        }
        () if proxy.is_some_and(|proxy| !proxy.destination_service_id.is_empty()) => {
            Err(FieldError::new("proxy.destination_service_id", derived))
        }
        () if sidecar.connect.as_ref().is_some_and(|connect| *connect != Connect::default()) => {
            Err(FieldError::new("connect", "a sidecar cannot have a sidecar: leave it out"))
        }
        () => Ok(()),
    }
}
