use super::merge::section;
use super::runtime::{Cidr, DataPlaneMode, JoinAddress, LogLevel};
use super::values::{Domain, Parsed, Port};
use super::watch::WatchSettings;
use crate::dataplane::Accelerate;
use crate::model::{Datacenter, IntentionAction, Meta, NodeName, Opaque};
use crate::pki::cluster::JoinSecret;
use crate::proxy::Ktls;
use crate::wire::{CheckDefinition, GoDuration, ServiceDefinition};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

section! {
    /// Every key that has a meaning here, as one source gives it or as all of them together do.
    Settings {
        acl: Acl,
        acl_datacenter: Option<String>,
        acl_default_policy: Option<Parsed<IntentionAction>>,
        addresses: Addresses,
        advertise_addr: Option<Parsed<IpAddr>>,
        advertise_addr_wan: Option<Parsed<IpAddr>>,
        alt_domain: Option<Parsed<Domain>>,
        autopilot: Autopilot,
        bind_addr: Option<Parsed<IpAddr>>,
        bootstrap: Option<bool>,
        bootstrap_expect: Option<u32>,
        ca_file: Option<PathBuf>,
        cert_file: Option<PathBuf>,
        check: Vec<CheckDefinition>,
        check_output_max_size: Option<usize>,
        check_update_interval: Option<GoDuration>,
        checks: Vec<CheckDefinition>,
        client_addr: Option<Parsed<Vec<IpAddr>>>,
        connect: Connect,
        data_dir: Option<PathBuf>,
        datacenter: Option<Datacenter>,
        /// Ours, as those that follow: who steers connections.
        dataplane: Option<Parsed<DataPlaneMode>>,
        dataplane_accelerate: Option<Parsed<Accelerate>>,
        dataplane_cgroup: Option<PathBuf>,
        dataplane_dns: Option<bool>,
        dataplane_ktls: Option<Parsed<Ktls>>,
        dataplane_object: Option<PathBuf>,
        dataplane_pins: Option<PathBuf>,
        default_intention_policy: Option<Parsed<IntentionAction>>,
        default_query_time: Option<GoDuration>,
        discard_check_output: Option<bool>,
        dns_config: Dns,
        domain: Option<Parsed<Domain>>,
        disable_remote_exec: Option<bool>,
        enable_local_script_checks: Option<bool>,
        enable_script_checks: Option<bool>,
        encrypt: Option<Parsed<JoinSecret>>,
        http_config: Http,
        key_file: Option<PathBuf>,
        leave_on_terminate: Option<bool>,
        limits: Limits,
        log_file: Option<PathBuf>,
        log_json: Option<bool>,
        log_level: Option<Parsed<LogLevel>>,
        max_query_time: Option<GoDuration>,
        node_id: Option<Parsed<uuid::Uuid>>,
        node_meta: Meta,
        node_name: Option<NodeName>,
        performance: Performance,
        pid_file: Option<PathBuf>,
        ports: Ports,
        primary_datacenter: Option<Datacenter>,
        raft_snapshot_interval: Option<GoDuration>,
        raft_snapshot_threshold: Option<u64>,
        raft_trailing_logs: Option<u64>,
        recursors: Vec<Parsed<SocketAddr>>,
        rejoin_after_leave: Option<bool>,
        retry_interval: Option<GoDuration>,
        retry_interval_wan: Option<GoDuration>,
        retry_join: Vec<Parsed<JoinAddress>>,
        retry_join_wan: Vec<Parsed<JoinAddress>>,
        retry_max: Option<u32>,
        server: Option<bool>,
        service: Vec<ServiceDefinition>,
        services: Vec<ServiceDefinition>,
        skip_leave_on_interrupt: Option<bool>,
        start_join: Vec<Parsed<JoinAddress>>,
        start_join_wan: Vec<Parsed<JoinAddress>>,
        tagged_addresses: BTreeMap<String, Parsed<IpAddr>>,
        telemetry: Telemetry,
        ui: Option<bool>,
        ui_config: Ui,
        ui_content_path: Option<String>,
        ui_dir: Option<PathBuf>,
        watches: Vec<WatchSettings>,
    }
}

section! {
    Acl {
        default_policy: Option<Parsed<IntentionAction>>,
        enabled: Option<bool>,
    }
}

section! {
    Autopilot {
        cleanup_dead_servers: Option<bool>,
        last_contact_threshold: Option<GoDuration>,
        max_trailing_logs: Option<u64>,
        min_quorum: Option<u32>,
        server_stabilization_time: Option<GoDuration>,
    }
}

section! {
    Addresses {
        dns: Option<Parsed<Vec<IpAddr>>>,
        grpc: Option<Parsed<Vec<IpAddr>>>,
        http: Option<Parsed<Vec<IpAddr>>>,
        https: Option<Parsed<Vec<IpAddr>>>,
    }
}

section! {
    Ports {
        dns: Option<Port>,
        grpc: Option<Port>,
        http: Option<Port>,
        https: Option<Port>,
        proxy_max_port: Option<u16>,
        proxy_min_port: Option<u16>,
        serf_lan: Option<Port>,
        serf_wan: Option<Port>,
        server: Option<Port>,
        sidecar_max_port: Option<u16>,
        sidecar_min_port: Option<u16>,
    }
}

section! {
    Connect {
        ca_config: Opaque,
        ca_provider: Option<String>,
        enabled: Option<bool>,
        /// Ours: somebody else runs the sidecar proxies.
        external_sidecars: Option<bool>,
        proxy: ConnectProxy,
        proxy_defaults: ProxyDefaults,
    }
}

section! {
    ConnectProxy {
        allow_managed_api_registration: Option<bool>,
    }
}

section! {
    ProxyDefaults {
        config: Opaque,
    }
}

section! {
    Dns {
        a_record_limit: Option<usize>,
        allow_stale: Option<bool>,
        disable_compression: Option<bool>,
        enable_additional_node_meta_txt: Option<bool>,
        enable_truncate: Option<bool>,
        max_stale: Option<GoDuration>,
        node_ttl: Option<GoDuration>,
        only_passing: Option<bool>,
        recursor_timeout: Option<GoDuration>,
        service_ttl: BTreeMap<String, GoDuration>,
        soa: Soa,
        udp_answer_limit: Option<usize>,
    }
}

section! {
    Soa {
        expire: Option<u32>,
        min_ttl: Option<u32>,
        refresh: Option<u32>,
        retry: Option<u32>,
    }
}

section! {
    Http {
        allow_write_http_from: Vec<Parsed<Cidr>>,
        block_endpoints: Vec<String>,
        response_headers: BTreeMap<String, String>,
    }
}

section! {
    Limits {
        http_max_conns_per_client: Option<usize>,
        kv_max_value_size: Option<usize>,
        txn_max_req_len: Option<usize>,
    }
}

section! {
    Performance {
        leave_drain_time: Option<GoDuration>,
        raft_multiplier: Option<u32>,
        rpc_hold_timeout: Option<GoDuration>,
    }
}

section! {
    Telemetry {
        disable_hostname: Option<bool>,
        metrics_prefix: Option<String>,
        prometheus_retention_time: Option<GoDuration>,
    }
}

section! {
    Ui {
        content_path: Option<String>,
        dir: Option<PathBuf>,
        enabled: Option<bool>,
    }
}
