use super::{CheckId, CheckStatus, NodeName, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A health check as somebody asked for it: what to probe, how often, and what to make of the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckDefinition {
    pub id: CheckId,
    pub name: String,
    pub notes: String,
    /// Absent for a check of the whole node.
    pub service: Option<ServiceId>,
    /// The status before the first result; critical where nobody says otherwise.
    pub initial: CheckStatus,
    /// Time between probes; ignored by TTL and alias checks.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// Results in a row that it takes to become passing; at least 1.
    pub success_before_passing: u32,
    /// Failures in a row that it takes to become warning; at least 1.
    pub failures_before_warning: u32,
    /// Failures in a row that it takes to become critical; at least 1.
    pub failures_before_critical: u32,
    /// Deregister the service once the check has been critical for so long.
    pub deregister_critical_after: Option<Duration>,
    /// Longest output kept, in bytes.
    pub output_max_size: usize,
    pub probe: Probe,
}

impl CheckDefinition {
    /// A check of the node with Consul's defaults: critical until it has a result, every 10 s, for at most 10 s.
    pub fn new(id: CheckId, name: &str, probe: Probe) -> Self {
        Self {
            id,
            name: name.to_owned(),
            notes: String::new(),
            service: None,
            initial: CheckStatus::Critical,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            success_before_passing: 1,
            failures_before_warning: 1,
            failures_before_critical: 1,
            deregister_critical_after: None,
            output_max_size: DEFAULT_CHECK_OUTPUT,
            probe,
        }
    }
}

/// What a check does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Probe {
    /// 2xx passes, 429 warns, everything else is critical. Redirects are never followed.
    Http {
        url: String,
        method: String,
        headers: BTreeMap<String, Vec<String>>,
        body: String,
        tls_server_name: String,
        tls_skip_verify: bool,
    },
    /// A connection can be made to `host:port`.
    Tcp { address: String },
    /// A datagram to `host:port` is not answered by an ICMP error.
    Udp { address: String },
    /// The standard gRPC health service at `host:port[/service]`.
    Grpc { target: String, tls: bool, tls_skip_verify: bool },
    /// An HTTP/2 PING at `host:port`.
    H2Ping { address: String, tls: bool, tls_skip_verify: bool },
    /// The service itself reports at least this often.
    Ttl { ttl: Duration },
    /// A command: exit status 0 passes, 1 warns, everything else is critical.
    Script { args: Vec<String> },
    /// The worst of another service's checks, or of a node's.
    Alias { node: Option<NodeName>, service: Option<ServiceId> },
}

impl Probe {
    /// The name that clients see as the check's `Type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Udp { .. } => "udp",
            Self::Grpc { .. } => "grpc",
            Self::H2Ping { .. } => "h2ping",
            Self::Ttl { .. } => "ttl",
            Self::Script { .. } => "script",
            Self::Alias { .. } => "alias",
        }
    }
}

/// The default of `output_max_size`, in bytes (Consul's).
pub const DEFAULT_CHECK_OUTPUT: usize = 4096;
