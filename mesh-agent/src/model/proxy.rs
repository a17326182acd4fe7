use super::{Datacenter, Opaque, ServiceId, ServiceName};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a proxy registration says of the service it stands before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyConfig {
    pub destination: ServiceName,
    /// The instance, where the proxy is a sidecar of one.
    pub destination_id: Option<ServiceId>,
    /// Where the app listens; an IP address or host name.
    pub local_service_address: Option<String>,
    pub local_service_port: Option<u16>,
    pub upstreams: Vec<Upstream>,
    /// Keys the proxy itself reads; kept as they came.
    pub config: Opaque,
    /// `transparent`, `direct` or empty: kept for clients that set it.
    pub mode: String,
}

/// What kind of thing an upstream names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpstreamKind {
    #[default]
    Service,
    PreparedQuery,
}

/// A local listener that leads to another service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    pub kind: UpstreamKind,
    pub destination: ServiceName,
    /// Absent means this datacenter.
    pub datacenter: Option<Datacenter>,
    pub local_bind_address: IpAddr,
    pub local_bind_port: u16,
    pub config: Opaque,
}
