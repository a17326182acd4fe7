use super::machine::place;
use super::node::Node;
use crate::shell;
use crate::vm::Initramfs;
use anyhow::{Context, Result};
use serde_json::json;
use std::io::Read;
use std::path::Path;

const INIT: &str = include_str!("guest/init.sh");
const TALK: &str = include_str!("guest/talk.sh");
const SCRIPTS: [&str; 3] = ["agent.sh", "services.sh", "smoke.sh"];

/// By how much an emulated machine's servers are more patient with each other.
const PATIENCE: u32 = 5;

/// One image serves all machines: the name of each is on its kernel's command line.
pub fn pack(kernel: &Path, to: &Path, nodes: &[Node], binary: Option<&Path>, slow: bool) -> Result<()> {
    let built = match binary {
        Some(binary) => binary.to_path_buf(),
        None => crate::build::run()?,
    };
    let mut initramfs = Initramfs::new(kernel, INIT)?;
    initramfs.program("usr/local/bin/mesh", &built)?;
    let scripts = shell::root().join("vagrant/provision");
    for name in SCRIPTS {
        initramfs.file(&format!("opt/mesh/{name}"), 0o755, &std::fs::read(scripts.join(name))?);
    }
    initramfs.file("opt/mesh/talk.sh", 0o755, TALK.as_bytes());
    let lines: String = nodes.iter().map(|node| format!("{}\n", node.line)).collect();
    initramfs.file("opt/mesh/nodes", 0o644, lines.as_bytes());
    initramfs.file("opt/mesh/key", 0o600, secret()?.as_bytes());
    for (role, settings) in settings(slow) {
        initramfs.file(&format!("opt/mesh/{role}.json"), 0o644, settings.to_string().as_bytes());
    }
    initramfs.write(to)
}

/// What the lab adds to the agents' configuration, by role: nobody but this host is on the machines' network, so their
/// API may be there too; and clients steer by the kernel.
fn settings(slow: bool) -> [(&'static str, serde_json::Value); 2] {
    let multiplier = if slow { PATIENCE } else { 1 };
    [
        ("server", json!({"client_addr": "0.0.0.0", "performance": {"raft_multiplier": multiplier}})),
        ("client", json!({"client_addr": "0.0.0.0", "dataplane": "ebpf"})),
    ]
}

/// 32 bytes that nobody guesses, in base64 as the agent takes them.
fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes).context("reading randomness")?;
    let input = place().join("key");
    std::fs::write(&input, bytes)?;
    let output =
        shell::command("base64", &["-w0", &input.to_string_lossy()]).output().context("starting base64")?;
    std::fs::remove_file(&input)?;
    Ok(String::from_utf8(output.stdout)?)
}
