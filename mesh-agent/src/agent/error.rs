use crate::ca::CaError;
use crate::dataplane::DataPlaneError;
use crate::dns;
use crate::gossip::GossipError;
use crate::local::LocalError;
use crate::model::NameError;
use crate::pki::cluster::TrustError;
use crate::proxy::{NoKernelTls, ProxyError};
use crate::raft::RaftError;
use crate::telemetry::TelemetryError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "a client agent needs what it shares with the servers: give -encrypt, or ca_file, cert_file and key_file"
    )]
    ClientWithoutTrust,
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
    #[error(
        "cannot listen for other nodes on {address}: {source}; choose another with ports.server or -server-port"
    )]
    Rpc {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("what the cluster's nodes trust each other by cannot be used: {0}")]
    Trust(#[source] TrustError),
    #[error("{path:?} does not hold the cluster's secret: {source}")]
    Secret {
        path: PathBuf,
        #[source]
        source: TrustError,
    },
    #[error(
        "this server joins others and has no secret to prove that it may: give -encrypt the one of the cluster, which its first server keeps in join-secret of its data directory, or put that file to {path:?}"
    )]
    NoSecret { path: PathBuf },
    #[error("the node's name with its datacenter is no name: {0}")]
    Name(#[from] NameError),
    #[error(
        "a node that is not the whole cluster finds the others by gossip: found ports.serf_lan = -1, want a port"
    )]
    NoGossip,
    #[error("nobody could be joined: {reason}; use -retry-join to start all the same")]
    Join { reason: String },
    #[error(transparent)]
    Gossip(#[from] GossipError),
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
    #[error("dataplane_ktls: {0}; dataplane_ktls = \"auto\" goes on without it")]
    KernelTls(#[from] NoKernelTls),
    #[error("the agent's threads could not be started: {0}")]
    Runtime(#[source] io::Error),
}
