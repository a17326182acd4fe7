use super::config::{RuntimeConfig, TrustConfig};
use super::trust::secret_path;
use crate::dataplane::Mode;
use std::fmt::Write;
use std::net::SocketAddr;
use uuid::Uuid;

/// What an agent says of itself when it starts, in the rows that Consul's users know.
pub(super) fn banner(
    config: &RuntimeConfig,
    id: Uuid,
    http: &[SocketAddr],
    dns: &[SocketAddr],
    mode: &Mode,
) -> String {
    let rows = [
        ("Version", crate::cli::VERSION.to_owned()),
        ("Node ID", id.to_string()),
        ("Node name", config.node.name.to_string()),
        ("Datacenter", config.node.datacenter.to_string()),
        ("Server", server(config)),
        ("Cluster", trust(config)),
        ("HTTP API and UI", list(http)),
        ("DNS", list(dns)),
        ("Proxies bind", config.network.bind.to_string()),
        ("Intentions", format!("{} where none matches", config.connect.intention_default)),
        ("Data path", path(mode)),
    ];
    let mut text = String::from("==> Mesh agent running!\n");
    for (name, value) in rows {
        let _ = writeln!(text, "{name:>18}: {value}"); // Writing to a String cannot fail.
    }
    text.push_str("\n==> Log data will now stream in as it occurs:\n");
    text
}

fn path(mode: &Mode) -> String {
    match mode {
        Mode::Ebpf => "kernel (eBPF), and userspace proxy".to_owned(),
        Mode::Userspace { reason } => format!("userspace proxy: {reason}"),
    }
}

fn server(config: &RuntimeConfig) -> String {
    let founding = founding(config.cluster.expect);
    if config.cluster.server { format!("true ({founding}, dev: {})", config.dev) } else { "false".to_owned() }
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "disabled".to_owned() } else { texts.join(", ") }
}

fn founding(expect: u32) -> String {
    match expect {
        0 => "joins a cluster".to_owned(),
        1 => "bootstrap: true".to_owned(),
        more => format!("bootstrap-expect: {more}"),
    }
}

/// Where others find what they need to join, and never the secret itself.
fn trust(config: &RuntimeConfig) -> String {
    if !config.cluster.server {
        let join = config.cluster.join.iter().chain(&config.cluster.retry_join);
        let join: Vec<_> = join.map(ToString::to_string).collect();
        return format!("finds the servers through {}", join.join(", "));
    }
    let Some(data_dir) = &config.data_dir else { return "of this agent alone".to_owned() };
    let Some(port) = config.network.serf_lan_port else { return "of this agent alone".to_owned() };
    let address = SocketAddr::new(config.network.advertise, port);
    let how = match &config.cluster.trust {
        TrustConfig::Files { .. } => "a certificate of its authority and the same -encrypt".to_owned(),
        TrustConfig::Secret(Some(_)) => "the same -encrypt".to_owned(),
        TrustConfig::Secret(None) => format!("-encrypt with what {} holds", secret_path(data_dir).display()),
    };
    format!("others join with -retry-join {address} and {how}")
}
