use super::error::Warning;
use crate::wire::decode::fold;
use serde_json::{Map, Value};

/// The keys of one section that some version of Consul knows and this program does not use.
struct Unused {
    /// `dns_config`, or empty for the top.
    section: &'static str,
    keys: &'static [&'static str],
}

/// What calls between nodes always do.
const ALWAYS: &[&str] =
    &["verify_incoming", "verify_incoming_rpc", "verify_outgoing", "verify_server_hostname"];

/// Removes keys without effect, and says so of each.
pub(super) fn strip_unused(origin: &str, value: &mut Value) -> Vec<Warning> {
    let mut warnings = strip_always(origin, value);
    for unused in UNUSED {
        for map in sections(value, unused.section) {
            let found = remove(map, unused.keys).into_iter();
            warnings.extend(found.map(|key| Warning {
                origin: origin.to_owned(),
                key: if unused.section.is_empty() { key } else { format!("{}.{key}", unused.section) },
                reason: "known to Consul, without effect here",
            }));
        }
    }
    warnings
}

/// Removes those that ask for what is so anyway. Who asks for less hears that he does not get it.
fn strip_always(origin: &str, value: &mut Value) -> Vec<Warning> {
    let less = |map: &Map<String, Value>, key: &str| map.get(key) != Some(&Value::Bool(true));
    let mut warnings = Vec::new();
    for map in sections(value, "") {
        for key in named(map, ALWAYS) {
            if less(map, &key) {
                let reason = "without effect here: both ends of a call between nodes are always verified";
                warnings.push(Warning { origin: origin.to_owned(), key: key.clone(), reason });
            }
            map.remove(&key);
        }
    }
    warnings
}

/// The objects that stand under a section's path; HCL may have put each into a list.
fn sections<'v>(value: &'v mut Value, path: &str) -> Vec<&'v mut Map<String, Value>> {
    let mut found: Vec<&mut Value> = vec![value];
    for wanted in path.split('.').filter(|part| !part.is_empty()) {
        let maps = found.into_iter().flat_map(objects);
        let inner = maps.flat_map(|map| map.iter_mut().filter(|(key, _)| fold(key) == fold(wanted)));
        found = inner.map(|(_, value)| value).collect();
    }
    found.into_iter().flat_map(objects).collect()
}

fn objects(value: &mut Value) -> Vec<&mut Map<String, Value>> {
    match value {
        Value::Object(map) => vec![map],
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).collect(),
        _ => vec![],
    }
}

fn remove(map: &mut Map<String, Value>, unused: &[&str]) -> Vec<String> {
    let keys = named(map, unused);
    for key in &keys {
        map.remove(key);
    }
    keys
}

fn named(map: &Map<String, Value>, wanted: &[&str]) -> Vec<String> {
    let is_wanted = |key: &&String| wanted.iter().any(|wanted| fold(wanted) == fold(key));
    map.keys().filter(is_wanted).cloned().collect()
}

const UNUSED: &[Unused] = &[
    Unused {
        section: "autopilot",
        keys: &["disable_upgrade_migration", "redundancy_zone_tag", "upgrade_version_tag"],
    },
    Unused {
        section: "",
        keys: &[
            "acl_agent_master_token",
            "acl_agent_token",
            "acl_disabled_ttl",
            "acl_down_policy",
            "acl_enable_key_list_policy",
            "acl_enforce_version_8",
            "acl_master_token",
            "acl_replication_token",
            "acl_token",
            "acl_ttl",
            "advertise_addr_ipv4",
            "advertise_addr_ipv6",
            "advertise_addr_wan_ipv4",
            "advertise_addr_wan_ipv6",
            "advertise_reconnect_timeout",
            "ae_interval",
            "audit",
            "auto_config",
            "auto_encrypt",
            "auto_reload_config",
            "ca_path",
            "cache",
            "check_deregister_interval_min",
            "check_reap_interval",
            "cloud",
            "config_entries",
            "consul",
            "disable_anonymous_signature",
            "disable_coordinates",
            "disable_host_node_id",
            "disable_http_unprintable_char_filter",
            "disable_keyring_file",
            "disable_update_check",
            "discovery_max_stale",
            "enable_acl_replication",
            "enable_agent_tls_for_checks",
            "enable_central_service_config",
            "enable_debug",
            "enable_syslog",
            "encrypt_verify_incoming",
            "encrypt_verify_outgoing",
            "experiments",
            "gossip_lan",
            "gossip_wan",
            "license_path",
            "locality",
            "log_rotate_bytes",
            "log_rotate_duration",
            "log_rotate_max_files",
            "non_voting_server",
            "partition",
            "peering",
            "primary_gateways",
            "primary_gateways_interval",
            "protocol",
            "raft_boltdb",
            "raft_logstore",
            "raft_prevote_disabled",
            "raft_protocol",
            "read_replica",
            "reconnect_timeout",
            "reconnect_timeout_wan",
            "reporting",
            "retry_max_wan",
            "revision",
            "rpc",
            "segment",
            "segment_limit",
            "segment_name_limit",
            "segments",
            "serf_lan",
            "serf_lan_allowed_cidrs",
            "serf_wan",
            "serf_wan_allowed_cidrs",
            "server_name",
            "server_rejoin_age_max",
            "session_ttl_min",
            "snapshot_agent",
            "sync_coordinate_interval_min",
            "sync_coordinate_rate_target",
            "syslog_facility",
            "tls",
            "tls_cipher_suites",
            "tls_min_version",
            "tls_prefer_server_cipher_suites",
            "translate_wan_addrs",
            "unix_sockets",
            "use_streaming_backend",
            "verify_incoming_https",
            "version",
            "version_metadata",
            "version_prerelease",
            "xds",
        ],
    },
    Unused {
        section: "acl",
        keys: &[
            "disabled_ttl",
            "down_policy",
            "enable_key_list_policy",
            "enable_token_persistence",
            "enable_token_replication",
            "msp_disable_bootstrap",
            "policy_ttl",
            "role_ttl",
            "token_ttl",
            "tokens",
        ],
    },
    Unused { section: "addresses", keys: &["grpc_tls"] },
    Unused { section: "ports", keys: &["expose_max_port", "expose_min_port", "grpc_tls"] },
    Unused {
        section: "connect",
        keys: &[
            "enable_mesh_gateway_wan_federation",
            "enable_serverless_plugin",
            "test_ca_leaf_root_change_spread",
        ],
    },
    // Managed proxies run inside the agent: there is no process to start, as root or otherwise.
    Unused { section: "connect.proxy", keys: &["allow_managed_root"] },
    Unused { section: "connect.proxy_defaults", keys: &["daemon_command", "exec_mode", "script_command"] },
    Unused {
        section: "dns_config",
        keys: &["cache_max_age", "prefer_namespace", "recursor_strategy", "use_cache"],
    },
    Unused { section: "http_config", keys: &["max_header_bytes", "use_cache"] },
    Unused {
        section: "limits",
        keys: &[
            "https_handshake_timeout",
            "request_limits",
            "rpc_client_timeout",
            "rpc_handshake_timeout",
            "rpc_max_burst",
            "rpc_max_conns_per_client",
            "rpc_rate",
        ],
    },
    Unused { section: "performance", keys: &["grpc_keepalive_interval", "grpc_keepalive_timeout"] },
    Unused {
        section: "telemetry",
        keys: &[
            "circonus_api_app",
            "circonus_api_token",
            "circonus_api_url",
            "circonus_broker_id",
            "circonus_broker_select_tag",
            "circonus_check_display_name",
            "circonus_check_force_metric_activation",
            "circonus_check_id",
            "circonus_check_instance_id",
            "circonus_check_search_tag",
            "circonus_check_tags",
            "circonus_submission_interval",
            "circonus_submission_url",
            "disable_compat_1.9",
            "disable_per_tenancy_usage_metrics",
            "dogstatsd_addr",
            "dogstatsd_tags",
            "enable_host_metrics",
            "filter_default",
            "prefix_filter",
            "retry_failed_connection",
            "statsd_address",
            "statsite_address",
            "statsite_prefix",
        ],
    },
    Unused {
        section: "ui_config",
        keys: &[
            "dashboard_url_templates",
            "hcp_enabled",
            "metrics_provider",
            "metrics_provider_files",
            "metrics_provider_options_json",
            "metrics_proxy",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_of_other_versions_warn_wherever_they_stand() {
        let mut value = json!({
            "Peering": {"enabled": true}, "node_name": "a",
            "connect": [{"proxy": {"allow_managed_root": true}}],
            "dns_config": {"useCache": true, "only_passing": true},
        });
        let keys: Vec<_> = strip_unused("f", &mut value).into_iter().map(|w| w.key).collect();
        assert_eq!(keys, ["Peering", "connect.proxy.allow_managed_root", "dns_config.useCache"]);
        let wanted =
            json!({"node_name": "a", "connect": [{"proxy": {}}], "dns_config": {"only_passing": true}});
        assert_eq!(value, wanted);
    }

    #[test]
    fn who_asks_for_what_is_always_so_hears_nothing_and_who_asks_for_less_does() {
        let mut value =
            json!({"verify_incoming": true, "VerifyOutgoing": false, "verify_incoming_rpc": "yes"});
        let keys: Vec<_> = strip_unused("f", &mut value).into_iter().map(|w| w.key).collect();
        assert_eq!(keys, ["VerifyOutgoing", "verify_incoming_rpc"]);
        assert_eq!(value, json!({}));
    }
}
