use super::error::ConfigError;
use super::source::Format;
use crate::cli::{Flag, FlagError, Matches};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub dev: bool,
    /// Files and directories, in the order in which `-config-file` and `-config-dir` name them.
    pub paths: Vec<PathBuf>,
    /// What the files are written in, whatever their names end with.
    pub format: Option<Format>,
    /// Texts of `-hcl`.
    pub hcl: Vec<String>,
    /// All other flags, as a file would say them.
    pub settings: Value,
}

/// The flags of `agent`, for its help page and for [`CommandLine::parse`].
pub const AGENT_FLAGS: &[Flag] = &flags();

/// How a flag's values become a setting.
#[derive(Clone, Copy)]
enum Setting {
    /// The parser itself looks at it.
    Own,
    /// The last value counts.
    One(&'static str),
    /// Each value is an item.
    Many(&'static str),
    /// Each value is `key:value`.
    Pairs(&'static str),
}

use Setting::{Many, One, Own, Pairs};

const TABLE: [(Flag, Setting); 66] = [
    (
        Flag::value("advertise", "address", "The address that others reach this host by."),
        One("advertise_addr"),
    ),
    (Flag::value("advertise-wan", "address", "The same, from other networks."), One("advertise_addr_wan")),
    (
        Flag::value(
            "allow-write-http-from",
            "network",
            "Writes are allowed from here alone; may be repeated.",
        ),
        Many("http_config.allow_write_http_from"),
    ),
    (Flag::value("alt-domain", "domain", "Another domain that DNS answers."), One("alt_domain")),
    (Flag::value("bind", "address", "Listens here for other nodes."), One("bind_addr")),
    (Flag::switch("bootstrap", "Starts a cluster of one server."), One("bootstrap")),
    (
        Flag::value("bootstrap-expect", "count", "How many servers found a cluster together."),
        One("bootstrap_expect"),
    ),
    (
        Flag::value("check_output_max_size", "bytes", "Keeps so much of a check's output."),
        One("check_output_max_size"),
    ),
    (Flag::value("client", "addresses", "Listens here for HTTP and DNS."), One("client_addr")),
    (
        Flag::value("config-dir", "path", "Reads all .hcl and .json files in a directory; may be repeated."),
        Own,
    ),
    (Flag::value("config-file", "path", "Reads a file or directory; may be repeated."), Own),
    (Flag::value("config-format", "format", "hcl or json, whatever the files' names end with."), Own),
    (Flag::value("data-dir", "path", "Keeps state in this directory."), One("data_dir")),
    (Flag::value("datacenter", "name", "The datacenter; dc1 unless given."), One("datacenter")),
    (
        Flag::value(
            "dataplane",
            "mode",
            "Who steers connections into the mesh: userspace (nobody, the default), auto (the kernel where it \
             can) or ebpf (the kernel, or the agent does not start).",
        ),
        One("dataplane"),
    ),
    (
        Flag::value("default-query-time", "duration", "How long blocking queries wait."),
        One("default_query_time"),
    ),
    (Flag::switch("dev", "Development: one agent, on this host only, that keeps nothing."), Own),
    (Flag::switch("disable-host-node-id", "Without effect."), One("disable_host_node_id")),
    (Flag::switch("disable-keyring-file", "Without effect."), One("disable_keyring_file")),
    (Flag::value("dns-port", "port", "DNS; -1 for none."), One("ports.dns")),
    (
        Flag::value("domain", "domain", "The domain that DNS answers; consul and mesh always are."),
        One("domain"),
    ),
    (
        Flag::switch("enable-local-script-checks", "Checks in configuration files may run commands."),
        One("enable_local_script_checks"),
    ),
    (
        Flag::switch("enable-script-checks", "Checks from anybody may run commands: dangerous."),
        One("enable_script_checks"),
    ),
    (
        Flag::value(
            "encrypt",
            "key",
            "The cluster's secret: 16, 24 or 32 bytes in base64, the same on all nodes.",
        ),
        One("encrypt"),
    ),
    (Flag::value("grpc-port", "port", "gRPC; -1 for none."), One("ports.grpc")),
    (Flag::value("grpc-tls-port", "port", "Without effect."), One("ports.grpc_tls")),
    (Flag::value("hcl", "text", "Configuration in place; may be repeated."), Own),
    (Flag::value("http-port", "port", "HTTP; -1 for none."), One("ports.http")),
    (Flag::value("https-port", "port", "HTTPS; only -1 so far."), One("ports.https")),
    (
        Flag::value("join", "address", "Joins whoever gossips here, or ends; may be repeated."),
        Many("start_join"),
    ),
    (
        Flag::value("join-wan", "address", "Finds the servers of other datacenters here; may be repeated."),
        Many("start_join_wan"),
    ),
    (Flag::value("log-file", "path", "Writes the log here too."), One("log_file")),
    (Flag::switch("log-json", "Writes the log as JSON."), One("log_json")),
    (Flag::value("log-level", "level", "TRACE, DEBUG, INFO, WARN or ERR."), One("log_level")),
    (Flag::value("log-rotate-bytes", "bytes", "Without effect."), One("log_rotate_bytes")),
    (Flag::value("log-rotate-duration", "duration", "Without effect."), One("log_rotate_duration")),
    (Flag::value("log-rotate-max-files", "count", "Without effect."), One("log_rotate_max_files")),
    (
        Flag::value("max-query-time", "duration", "The longest that blocking queries wait."),
        One("max_query_time"),
    ),
    (Flag::value("node", "name", "The name of this node; the host's unless given."), One("node_name")),
    (Flag::value("node-id", "uuid", "The id of this node."), One("node_id")),
    (Flag::value("node-meta", "key:value", "Metadata of this node; may be repeated."), Pairs("node_meta")),
    (Flag::value("pid-file", "path", "Writes the process id here."), One("pid_file")),
    (Flag::value("primary-gateway", "address", "Without effect."), Many("primary_gateways")),
    (Flag::value("protocol", "version", "Without effect."), One("protocol")),
    (Flag::value("raft-protocol", "version", "Without effect."), One("raft_protocol")),
    (
        Flag::value("recursor", "address", "Answers other names by asking here; may be repeated."),
        Many("recursors"),
    ),
    (
        Flag::switch("rejoin", "Joins those that were known before, even after leaving."),
        One("rejoin_after_leave"),
    ),
    (
        Flag::value("retry-interval", "duration", "How long to wait between attempts to join; 30s."),
        One("retry_interval"),
    ),
    (
        Flag::value("retry-interval-wan", "duration", "The same for -retry-join-wan; 30s."),
        One("retry_interval_wan"),
    ),
    (Flag::value("retry-join", "address", "As -join, again and again; may be repeated."), Many("retry_join")),
    (
        Flag::value("retry-join-wan", "address", "As -join-wan, which tries again too; may be repeated."),
        Many("retry_join_wan"),
    ),
    (
        Flag::value("retry-max", "count", "Ends after so many attempts to join; 0 for no limit."),
        One("retry_max"),
    ),
    (Flag::value("retry-max-wan", "count", "Without effect."), One("retry_max_wan")),
    (Flag::value("segment", "name", "Without effect."), One("segment")),
    (Flag::value("serf-lan-allowed-cidrs", "network", "Without effect."), Many("serf_lan_allowed_cidrs")),
    (Flag::value("serf-lan-bind", "address", "Without effect."), One("serf_lan")),
    (Flag::value("serf-lan-port", "port", "Gossip in the datacenter."), One("ports.serf_lan")),
    (Flag::value("serf-wan-allowed-cidrs", "network", "Without effect."), Many("serf_wan_allowed_cidrs")),
    (Flag::value("serf-wan-bind", "address", "Without effect."), One("serf_wan")),
    (Flag::value("serf-wan-port", "port", "Gossip between datacenters."), One("ports.serf_wan")),
    (Flag::switch("server", "Keeps the mesh's state."), One("server")),
    (Flag::value("server-port", "port", "Calls between servers."), One("ports.server")),
    (Flag::switch("syslog", "Without effect."), One("enable_syslog")),
    (Flag::switch("ui", "Serves the user interface."), One("ui_config.enabled")),
    (
        Flag::value("ui-content-path", "path", "Where it is served; /ui/ unless given."),
        One("ui_config.content_path"),
    ),
    (
        Flag::value("ui-dir", "path", "Serves these files in place of the built-in ones."),
        One("ui_config.dir"),
    ),
];

const fn flags() -> [Flag; TABLE.len()] {
    let mut flags = [TABLE[0].0; TABLE.len()];
    let mut index = 1;
    while index < TABLE.len() {
        flags[index] = TABLE[index].0;
        index += 1;
    }
    flags
}

impl CommandLine {
    /// Long flags take one dash or two.
    ///
    /// # Errors
    /// A flag is unknown or lacks its value, or something stands there that is no flag.
    pub fn parse(arguments: &[String]) -> Result<Self, ConfigError> {
        let matches = Matches::parse(arguments, AGENT_FLAGS).map_err(|error| flag_error(&error))?;
        if let Some(extra) = matches.positional.first() {
            let reason = format!("unexpected argument {extra:?}: the agent takes flags only");
            return Err(ConfigError::Flag { reason });
        }
        let paths = matches.values_of_any(&["config-file", "config-dir"]);
        Ok(Self {
            dev: matches.is_on("dev"),
            paths: paths.map(PathBuf::from).collect(),
            format: matches.value("config-format").map(format).transpose()?,
            hcl: matches.values("hcl").to_vec(),
            settings: settings(&matches)?,
        })
    }
}

fn flag_error(error: &FlagError) -> ConfigError {
    ConfigError::Flag { reason: error.to_string() }
}

fn format(name: &str) -> Result<Format, ConfigError> {
    let reason = format!("flag -config-format: found {name:?}, want \"hcl\" or \"json\"");
    Format::parse(name).ok_or(ConfigError::Flag { reason })
}

/// The flags as a file that says the same.
fn settings(matches: &Matches) -> Result<Value, ConfigError> {
    let mut root = Map::new();
    for (flag, setting) in &TABLE {
        let values = matches.values(flag.name);
        let Some(last) = values.last() else { continue };
        match setting {
            Own => {}
            One(key) => put(&mut root, key, Value::from(last.as_str())),
            Many(key) => put(&mut root, key, Value::from(values.to_vec())),
            Pairs(key) => put(&mut root, key, pairs(flag.name, values)?),
        }
    }
    Ok(Value::Object(root))
}

/// Puts a value at a path such as `ports.http`.
fn put(root: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            root.insert(key.to_owned(), value);
        }
        Some((section, key)) => {
            let section = root.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(map) = section {
                put(map, key, value);
            }
        }
    }
}

fn pairs(name: &str, values: &[String]) -> Result<Value, ConfigError> {
    let pair = |text: &String| {
        let reason = format!("flag -{name}: found {text:?}, want key:value");
        let (key, value) = text.split_once(':').ok_or(ConfigError::Flag { reason })?;
        Ok((key.to_owned(), Value::from(value)))
    };
    values.iter().map(pair).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}
