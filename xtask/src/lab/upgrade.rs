use super::network::Network;
use super::node::Node;
use super::{console, pause};
use crate::vm;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where a machine takes a file, once asked to.
const PORT: u16 = 2324;

const PATIENCE: Duration = Duration::from_secs(60);

/// A binary as it is sent to machines, and what it is known by.
pub struct Build {
    bytes: Vec<u8>,
    pub hash: String,
}

impl Build {
    pub fn of(binary: &Path) -> Result<Self> {
        let bytes = vm::stripped(binary)?;
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { bytes, hash })
    }
}

/// What the machine's agent runs, even where its file was replaced meanwhile.
pub fn running(network: &Network, node: &Node) -> Result<String> {
    let (said, status) = console::run(network, node, "sha256sum /proc/$(pidof mesh)/exe")?;
    match said.split_whitespace().next() {
        Some(hash) if status == 0 => Ok(hash.to_owned()),
        _ => bail!("{} has no agent that runs: {}", node.name, said.trim()),
    }
}

/// Sends the binary, puts it in the old one's place and ends the agent, which is then started again. It must be called
/// on the machines' network.
pub fn run(network: &Network, node: &Node, build: &Build) -> Result<()> {
    let command = format!(
        "nc -l -p {PORT} </dev/null >/usr/local/bin/mesh.next && cd /usr/local/bin && \
         echo '{}  mesh.next' | sha256sum -c && chmod 755 mesh.next && mv mesh.next mesh && kill $(pidof mesh)",
        build.hash
    );
    let (said, status) = std::thread::scope(|scope| {
        let sent = scope.spawn(|| send(node, &build.bytes));
        let done = console::run(network, node, &command)?;
        sent.join().expect("sending does not panic")?;
        anyhow::Ok(done)
    })?;
    if status == 0 { Ok(()) } else { bail!("{} does not take the binary: {}", node.name, said.trim()) }
}

fn send(node: &Node, bytes: &[u8]) -> Result<()> {
    let (address, deadline) = (SocketAddr::from((node.address, PORT)), Instant::now() + PATIENCE);
    loop {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(mut stream) => {
                return stream.write_all(bytes).with_context(|| format!("sending to {}", node.name));
            }
            Err(_) if Instant::now() < deadline => pause(),
            Err(error) => return Err(error).with_context(|| format!("connecting to {address}")),
        }
    }
}
