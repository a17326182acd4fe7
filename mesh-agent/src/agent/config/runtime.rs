use super::watch::WatchConfig;
use crate::dataplane::Accelerate;
use crate::model::{
    AutopilotConfig, CheckDefinition, Datacenter, IntentionAction, Meta, NodeName, Opaque, ServiceDefinition,
};
use crate::pki::cluster::JoinSecret;
use crate::proxy::Ktls;
pub use crate::telemetry::LogLevel;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// All that an agent needs to know before it is built: complete and valid.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    pub node: NodeConfig,
    /// Nothing is kept on disk, and one agent is the whole cluster.
    pub dev: bool,
    /// Absent in dev mode only.
    pub data_dir: Option<PathBuf>,
    pub cluster: ClusterConfig,
    pub network: NetworkConfig,
    pub dns: DnsConfig,
    pub http: HttpConfig,
    pub connect: ConnectConfig,
    pub dataplane: DataPlaneConfig,
    pub checks: ChecksConfig,
    pub raft: RaftConfig,
    pub telemetry: TelemetryConfig,
    pub log: LogConfig,
    pub leave: LeaveConfig,
    /// `mesh exec` may run commands here, as whoever runs the agent.
    pub remote_exec: bool,
    pub pid_file: Option<PathBuf>,
    /// What a reload reads again.
    pub reloadable: Reloadable,
}

impl RuntimeConfig {
    /// The primary, where that is another datacenter.
    pub fn primary_elsewhere(&self) -> Option<&Datacenter> {
        let primary = self.cluster.federation.primary.as_ref()?;
        Some(primary).filter(|primary| !primary.as_str().eq_ignore_ascii_case(self.node.datacenter.as_str()))
    }
}

/// The part of the configuration that changes without a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Reloadable {
    pub services: Vec<ServiceDefinition>,
    /// Checks outside services.
    pub checks: Vec<CheckDefinition>,
    pub log_level: LogLevel,
    pub watches: Vec<WatchConfig>,
}

/// Who this node is.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    pub name: NodeName,
    /// Absent: the agent makes one and keeps it in the data directory.
    pub id: Option<uuid::Uuid>,
    pub datacenter: Datacenter,
    pub meta: Meta,
    /// `lan` and `wan` are always there.
    pub tagged_addresses: Meta,
}

/// How this node finds the others of its cluster, and what they trust each other by.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// It keeps the replicated state; a client agent asks servers.
    pub server: bool,
    /// How many servers found a cluster together. 1: this one alone. 0: it waits to be taken into one.
    pub expect: u32,
    /// Where other members may gossip: asked once, and without an answer the agent does not start.
    pub join: Vec<JoinAddress>,
    /// The same, asked again and again until one answers.
    pub retry_join: Vec<JoinAddress>,
    pub retry_interval: Duration,
    /// After so many attempts the agent ends; 0 for no limit.
    pub retry_max: u32,
    /// Those that were known when the agent left are joined again.
    pub rejoin_after_leave: bool,
    pub federation: FederationConfig,
    pub trust: TrustConfig,
    /// For a cluster in which nobody has said it yet.
    pub autopilot: AutopilotConfig,
}

/// How a server finds those of other datacenters.
#[derive(Clone, Debug)]
pub struct FederationConfig {
    /// Servers of other datacenters, asked again and again until one answers.
    pub join: Vec<JoinAddress>,
    pub retry_interval: Duration,
    /// Whose intentions and certificate authority count everywhere. Absent: each datacenter is its own.
    pub primary: Option<Datacenter>,
}

/// What nodes of a cluster trust each other by.
#[derive(Clone, Debug)]
pub enum TrustConfig {
    /// One secret. Absent: the one in the data directory, or a new one that is kept there.
    Secret(Option<JoinSecret>),
    /// Certificates of the operator's; gossip is sealed with a secret all the same.
    Files { authorities: PathBuf, certificate: PathBuf, key: PathBuf, gossip: Option<JoinSecret> },
}

/// Where another node may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinAddress {
    /// A name or an IP address.
    pub host: String,
    pub port: Option<u16>,
}

impl fmt::Display for JoinAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Where it listens, and what it tells others.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Listeners for other nodes, and public listeners of proxies.
    pub bind: IpAddr,
    /// The address that others reach this node by; never "any".
    pub advertise: IpAddr,
    /// The address that servers of other datacenters reach it by.
    pub advertise_wan: IpAddr,
    /// Empty: no HTTP. Port 0 here and below lets the system choose.
    pub http: Vec<SocketAddr>,
    /// UDP and TCP. Empty: no DNS.
    pub dns: Vec<SocketAddr>,
    /// Empty: no gRPC.
    pub grpc: Vec<SocketAddr>,
    /// Calls between servers.
    pub server_port: u16,
    pub serf_lan_port: Option<u16>,
    pub serf_wan_port: Option<u16>,
    /// Where sidecars without a port of their own listen.
    pub sidecar_ports: RangeInclusive<u16>,
    /// Where managed proxies listen.
    pub proxy_ports: RangeInclusive<u16>,
}

/// How DNS questions are answered.
#[derive(Clone, Debug)]
pub struct DnsConfig {
    /// Lower case, no dot at the end. `consul` and `mesh`, and what else is configured.
    pub domains: Vec<String>,
    pub recursors: Vec<SocketAddr>,
    pub recursor_timeout: Duration,
    /// Instances in state warning are left out too.
    pub only_passing: bool,
    pub node_ttl: Duration,
    /// By service name; `*` for all others, and a name that ends in `*` for those that begin so.
    pub service_ttl: BTreeMap<String, Duration>,
    /// Most A or AAAA records in an answer; 0 for no limit.
    pub a_record_limit: usize,
    /// Most records in a UDP answer without EDNS; 0 for no limit.
    pub udp_answer_limit: usize,
    /// Set the truncation bit when answers are left out.
    pub enable_truncate: bool,
    pub disable_compression: bool,
    pub node_meta_txt: bool,
    pub soa: SoaConfig,
    pub allow_stale: bool,
    pub max_stale: Duration,
}

/// Times of the SOA record, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoaConfig {
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub min_ttl: u32,
}

/// What the HTTP API allows.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub response_headers: BTreeMap<String, String>,
    /// Empty: writes are allowed from everywhere.
    pub allow_write_from: Vec<Cidr>,
    /// Path prefixes that answer 403.
    pub block_endpoints: Vec<String>,
    /// 0 for no limit.
    pub max_connections_per_client: usize,
    /// How long a blocking query waits when it does not say.
    pub default_query_time: Duration,
    pub max_query_time: Duration,
    /// Largest value in the key/value store, in bytes.
    pub kv_max_value_size: usize,
    /// Largest transaction, in bytes.
    pub txn_max_size: usize,
    pub ui: bool,
    /// Begins and ends with `/`.
    pub ui_path: String,
    /// Files to serve in place of the built-in ones.
    pub ui_dir: Option<PathBuf>,
}

/// The mesh.
#[derive(Clone)]
pub struct ConnectConfig {
    pub enabled: bool,
    pub ca_provider: String,
    /// As configured; may hold a private key.
    pub ca_config: Opaque,
    /// What applies to a connection that no intention matches.
    pub intention_default: IntentionAction,
    /// Services that are registered through the API may ask for a managed proxy.
    pub allow_managed_api_registration: bool,
    /// What a managed proxy has in its config unless its service says otherwise.
    pub proxy_defaults: Opaque,
    /// Somebody else runs the sidecar proxies; the agent only registers them.
    pub external_sidecars: bool,
}

impl fmt::Debug for ConnectConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectConfig")
            .field("enabled", &self.enabled)
            .field("ca_provider", &self.ca_provider)
            .field("intention_default", &self.intention_default)
            .field("external_sidecars", &self.external_sidecars)
            .finish_non_exhaustive()
    }
}

/// How applications' connections come into the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPlaneConfig {
    pub mode: DataPlaneMode,
    /// The kernel's programs look at what is below it; absent means at everything.
    pub cgroup: Option<PathBuf>,
    /// Where programs and maps are kept while no agent runs.
    pub pins: PathBuf,
    /// Kernel programs to load in the place of those that the agent carries; for who builds them.
    pub object: Option<PathBuf>,
    /// For services that do not say it themselves.
    pub accelerate: Accelerate,
    /// Questions of workloads for names are sent to the agent, whomever they ask.
    pub dns: bool,
    /// Whether the kernel encrypts what connections between nodes carry.
    pub ktls: Ktls,
}

/// Who steers connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPlaneMode {
    /// Nobody: applications use upstream listeners.
    #[default]
    Userspace,
    /// The kernel where it can, else nobody.
    Auto,
    /// The kernel, or the agent does not start.
    Ebpf,
}

/// Who may have the agent run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptChecks {
    Off,
    /// Only definitions in configuration files.
    Local,
    /// Those that come through the API too.
    Any,
}

/// How health checks are run.
#[derive(Clone, Debug)]
pub struct ChecksConfig {
    pub scripts: ScriptChecks,
    /// Output that changes alone is written to the catalog no more often than this.
    pub update_interval: Duration,
    /// Most output kept of a check that does not say, in bytes.
    pub output_max_size: usize,
    pub discard_output: bool,
}

/// How the replicated log is kept.
#[derive(Clone, Debug)]
pub struct RaftConfig {
    /// Entries after which a snapshot is taken.
    pub snapshot_threshold: u64,
    pub snapshot_interval: Duration,
    /// Entries kept behind a snapshot.
    pub trailing_logs: u64,
    /// By how much heartbeats and elections take longer, 1 (fastest) to 10.
    pub multiplier: u32,
    /// How long a request waits for a leader.
    pub hold_timeout: Duration,
}

#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    pub metrics_prefix: String,
    pub disable_hostname: bool,
    pub prometheus_retention: Duration,
}

#[derive(Clone, Debug)]
pub struct LogConfig {
    pub json: bool,
    /// Besides standard output.
    pub file: Option<PathBuf>,
}

/// What signals do.
#[derive(Clone, Debug)]
pub struct LeaveConfig {
    /// SIGTERM leaves the cluster first.
    pub on_terminate: bool,
    /// SIGINT does not.
    pub skip_on_interrupt: bool,
    /// How long requests are still served after leaving.
    pub drain: Duration,
}

/// A network: all addresses that share the first bits of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// `10.0.0.0/8`; an address alone is a network of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }

    /// An IPv4 address in its IPv6 spelling counts as itself.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.bits);
                u64::from(net.to_bits()) >> shift == u64::from(ip.to_bits()) >> shift
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let differing = (net.to_bits() ^ ip.to_bits()).leading_zeros();
                differing >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_shares_its_first_bits() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1/32", "127.0.0.2", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "::1", true),
        ];
        for (net, ip, inside) in table {
            assert_eq!(Cidr::parse(net).unwrap().contains(ip.parse().unwrap()), inside, "{net} {ip}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0.0/", "a/8", "::/129", "10.0.0.0/-1"] {
            assert!(Cidr::parse(bad).is_none(), "{bad}");
        }
    }
}
