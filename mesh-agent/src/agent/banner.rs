use super::config::RuntimeConfig;
use std::fmt::Write;
use std::net::SocketAddr;
use uuid::Uuid;

/// What an agent says of itself when it starts, in the rows that Consul's users know.
pub(super) fn banner(config: &RuntimeConfig, id: Uuid, http: &[SocketAddr], dns: &[SocketAddr]) -> String {
    let rows = [
        ("Version", crate::cli::VERSION.to_owned()),
        ("Node ID", id.to_string()),
        ("Node name", config.node.name.to_string()),
        ("Datacenter", config.node.datacenter.to_string()),
        ("Server", format!("true (bootstrap: true, dev: {})", config.dev)),
        ("HTTP API and UI", list(http)),
        ("DNS", list(dns)),
        ("Proxies bind", config.network.bind.to_string()),
        ("Intentions", format!("{} where none matches", config.connect.intention_default)),
        ("Data path", "userspace proxy".to_owned()),
    ];
    let mut text = String::from("==> Mesh agent running!\n");
    for (name, value) in rows {
        let _ = writeln!(text, "{name:>18}: {value}"); // Writing to a String cannot fail.
    }
    text.push_str("\n==> Log data will now stream in as it occurs:\n");
    text
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "disabled".to_owned() } else { texts.join(", ") }
}
