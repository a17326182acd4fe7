use crate::ca::CaError;
use crate::dataplane::DataPlaneError;
use crate::dns;
use crate::local::LocalError;
use crate::proxy::ProxyError;
use crate::raft::RaftError;
use crate::telemetry::TelemetryError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{what} {path:?} cannot be used: {source}; check that the path exists and this user may write there"
    )]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path:?} should hold this node's id, a UUID, and holds {found:?}: remove it to have a new one made"
    )]
    NodeId { path: PathBuf, found: String },
    #[error("cannot listen for HTTP on {address}: {source}; choose another with ports.http or -http-port")]
    Http {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Dns(#[from] dns::BindError),
    #[error(transparent)]
    Domain(#[from] dns::DomainError),
    #[error(transparent)]
    Raft(#[from] RaftError),
    #[error("the certificate authority could not be set up: {0}")]
    Ca(#[from] CaError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("a registration of the configuration is not possible: {0}")]
    Registration(#[from] LocalError),
    #[error("dataplane: {0}; dataplane = \"auto\" goes on without it")]
    DataPlane(#[from] DataPlaneError),
    #[error("the agent's threads could not be started: {0}")]
    Runtime(#[source] io::Error),
}
