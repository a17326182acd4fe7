use super::config::{LogLevel, RuntimeConfig, ScriptChecks};
use super::error::StartError;
use crate::discovery::Health;
use crate::dns::{DnsOptions, Domain, Soa};
use crate::http::{AgentFacts, AllowedHosts, HttpLimits, HttpSettings};
use crate::local::{LocalOptions, ScriptPolicy};
use crate::model::{Node, NodeService, RaftIndex, ServiceId, ServiceKind, ServiceName, Weights};
use crate::raft::{Compaction, Founding, RaftOptions, Storage};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The version that clients of the API parse, and adapt to.
const API_VERSION: &str = crate::cli::CONSUL_VERSION;
/// How often the catalog is compared with the local state as a whole, at least.
const SYNC_INTERVAL: Duration = Duration::from_secs(60);

/// This node as it registers itself.
pub(super) fn node(config: &RuntimeConfig, id: Uuid) -> Node {
    let advertise = config.network.advertise;
    let mut meta = config.node.meta.clone();
    meta.entry("consul-network-segment".to_owned()).or_default();
    Node {
        id: Some(id),
        name: config.node.name.clone(),
        address: advertise.to_string(),
        datacenter: config.node.datacenter.clone(),
        tagged_addresses: config.node.tagged_addresses.clone(),
        meta,
        index: RaftIndex::default(),
    }
}

/// Where other servers reach this one.
pub(super) fn server_address(config: &RuntimeConfig) -> SocketAddr {
    SocketAddr::new(config.network.advertise, config.network.server_port)
}

/// A server's place in the agreement follows from its node's id.
fn raft_id(id: Uuid) -> u64 {
    let (first, second) = id.as_u64_pair();
    (first ^ second).max(1)
}

pub(super) fn raft(config: &RuntimeConfig, id: Uuid) -> RaftOptions {
    let storage = match &config.data_dir {
        Some(directory) => Storage::Directory(directory.join("raft")),
        None => Storage::Memory,
    };
    let address = server_address(config);
    let compaction = Compaction {
        entries: config.raft.snapshot_threshold,
        keep: config.raft.trailing_logs,
        ..Compaction::default()
    };
    let alone = config.dev || config.cluster.expect == 1;
    let founding = if alone { Founding::Alone } else { Founding::Together };
    let options = RaftOptions::new(raft_id(id), address, storage).slower(config.raft.multiplier);
    RaftOptions { compaction, founding, ..options }
}

pub(super) fn local(config: &RuntimeConfig, node: Node) -> LocalOptions {
    LocalOptions {
        node,
        server: config.cluster.server.then(|| server(config)),
        data_dir: config.data_dir.clone(),
        sidecar_ports: config.network.sidecar_ports.clone(),
        proxy_ports: config.network.proxy_ports.clone(),
        proxy_bind: config.network.bind,
        external_sidecars: config.connect.external_sidecars,
        proxy_defaults: config.connect.proxy_defaults.clone(),
        scripts: match config.checks.scripts {
            ScriptChecks::Off => ScriptPolicy::Nobody,
            ScriptChecks::Local => ScriptPolicy::ConfigurationOnly,
            ScriptChecks::Any => ScriptPolicy::Anybody,
        },
        sync_interval: SYNC_INTERVAL,
    }
}

/// The service under which clients, other servers and DNS look for servers.
fn server(config: &RuntimeConfig) -> NodeService {
    const NAME: &str = "consul";
    NodeService {
        id: ServiceId::new(NAME).expect("a constant that is a valid id"),
        name: ServiceName::new(NAME).expect("a constant that is a valid name"),
        kind: ServiceKind::Typical,
        tags: Vec::new(),
        address: String::new(),
        tagged_addresses: Default::default(),
        port: config.network.server_port,
        meta: [("version".to_owned(), API_VERSION.to_owned())].into(),
        weights: Weights::default(),
        enable_tag_override: false,
        proxy: None,
        connect_native: false,
        index: RaftIndex::default(),
    }
}

pub(super) fn dns(config: &RuntimeConfig) -> Result<DnsOptions, StartError> {
    let dns = &config.dns;
    let domains = dns.domains.iter().map(|name| Domain::new(name)).collect::<Result<_, _>>()?;
    Ok(DnsOptions {
        domains,
        health: if dns.only_passing { Health::OnlyPassing } else { Health::NotCritical },
        node_ttl: dns.node_ttl,
        service_ttl: dns.service_ttl.clone(),
        udp_answer_limit: if dns.udp_answer_limit == 0 { usize::MAX } else { dns.udp_answer_limit },
        a_record_limit: Some(dns.a_record_limit).filter(|limit| *limit > 0),
        soa: Soa {
            refresh: dns.soa.refresh,
            retry: dns.soa.retry,
            expire: dns.soa.expire,
            min_ttl: dns.soa.min_ttl,
        },
        recursors: dns.recursors.clone(),
        recursor_timeout: dns.recursor_timeout,
        ..DnsOptions::new(config.node.datacenter.clone(), config.node.name.clone())
    })
}

pub(super) fn http_limits(config: &RuntimeConfig) -> HttpLimits {
    let limits = HttpLimits::default();
    let per_client = match config.http.max_connections_per_client {
        0 => limits.total,
        most => most,
    };
    // Who lets one client have more than all together have by default means it.
    HttpLimits { per_client, total: limits.total.max(per_client), ..limits }
}

pub(super) fn http_settings(config: &RuntimeConfig) -> HttpSettings {
    let http = &config.http;
    let headers = http
        .response_headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    let writers = http.allow_write_from.clone();
    let allowed: crate::http::AddressRule =
        Arc::new(move |client| writers.iter().any(|net| net.contains(client)));
    let domains = config.dns.domains.iter().map(|domain| format!(".{domain}"));
    HttpSettings {
        response_headers: headers.collect(),
        allowed_hosts: AllowedHosts::new(domains.chain([config.node.name.to_string()])),
        writers: (!http.allow_write_from.is_empty()).then_some(allowed),
        blocked: http.block_endpoints.clone(),
        default_wait: http.default_query_time,
        max_wait: http.max_query_time,
        managed_proxies: config.connect.allow_managed_api_registration,
        ui: config.http.ui,
    }
}

pub(super) fn facts(config: &RuntimeConfig, node_id: Uuid) -> AgentFacts {
    AgentFacts {
        node: config.node.name.clone(),
        node_id,
        datacenter: config.node.datacenter.clone(),
        primary: config.cluster.federation.primary.clone(),
        address: config.network.advertise,
        server_port: config.network.server_port,
        serf_port: config.network.serf_lan_port.unwrap_or_default(),
        server: config.cluster.server,
        version: API_VERSION.to_owned(),
        revision: crate::cli::VERSION.to_owned(),
        default_policy: config.connect.intention_default,
        metrics_prefix: config.telemetry.metrics_prefix.clone(),
        debug_config: debug_config(config),
    }
}

/// What may be shown of the configuration: where things are, and no secret.
fn debug_config(config: &RuntimeConfig) -> serde_json::Value {
    let network = &config.network;
    json!({
        "AdvertiseAddrLAN": network.advertise.to_string(),
        "BindAddr": network.bind.to_string(),
        "Bootstrap": config.cluster.expect == 1,
        "BootstrapExpect": config.cluster.expect,
        "ConnectEnabled": config.connect.enabled,
        "DNSAddrs": network.dns.iter().map(|a| format!("tcp://{a}")).collect::<Vec<_>>(),
        "DNSDomain": config.dns.domains.first(),
        "DataDir": config.data_dir,
        "Datacenter": config.node.datacenter.as_str(),
        "DevMode": config.dev,
        "EnableUI": config.http.ui,
        "HTTPAddrs": network.http.iter().map(|a| format!("tcp://{a}")).collect::<Vec<_>>(),
        "LogLevel": level(config.reloadable.log_level),
        "NodeName": config.node.name.as_str(),
        "ServerMode": config.cluster.server,
        "ServerPort": network.server_port,
    })
}

fn level(level: LogLevel) -> String {
    level.as_str().to_ascii_uppercase()
}
