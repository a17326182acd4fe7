use super::{CheckDefinition, NameError, NodeService, Opaque, ServiceId, Upstream};
use serde::{Deserialize, Serialize};

/// A service as somebody registered it with this agent: the instance, its checks, and the proxy it asks for.
/// Its service ids in `checks` are filled in already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceDefinition {
    pub service: NodeService,
    pub checks: Vec<CheckDefinition>,
    /// The token to register with; empty means the agent's own.
    pub token: String,
    pub proxy: Option<ProxyRequest>,
}

/// The two ways to ask for a proxy in a service's registration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProxyRequest {
    /// `"connect": {"proxy": {…}}` of Consul 1.2: this agent runs it, on a port of its choice.
    Managed(ManagedProxy),
    /// `"connect": {"sidecar_service": {…}}`: a registration of its own, derived from its service's.
    Sidecar(Box<SidecarRequest>),
}

/// The managed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagedProxy {
    /// `daemon` or `script`, or empty; kept for clients that read it back.
    pub exec_mode: String,
    pub command: Vec<String>,
    /// All of `config`, with the upstreams still in it.
    pub config: Opaque,
    pub upstreams: Vec<Upstream>,
}

/// The sidecar form. What is absent has a default that comes from the service it stands before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SidecarRequest {
    pub port: Option<u16>,
    pub address: Option<String>,
    pub tags: Option<Vec<String>>,
    pub meta: Option<super::Meta>,
    /// `None`: the two default checks (TCP on its port, and an alias of its service).
    pub checks: Option<Vec<CheckDefinition>>,
    pub local_service_address: Option<String>,
    pub local_service_port: Option<u16>,
    pub upstreams: Vec<Upstream>,
    /// Kept as it came. `"external": true` says that somebody else runs this proxy.
    pub config: Opaque,
    pub mode: String,
}

impl SidecarRequest {
    /// The id that the sidecar of a service has.
    ///
    /// # Errors
    /// The service's id is so long that its sidecar's would be too long.
    pub fn id_of(service: &ServiceId) -> Result<ServiceId, NameError> {
        ServiceId::new(&format!("{service}-sidecar-proxy"))
    }
}
