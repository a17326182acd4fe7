//! `cargo xtask lab`: a cluster of virtual machines on a private network.
//!
//! The machines are those of `vagrant/nodes` and run the same provisioning scripts as Vagrant's. It does not know
//! what the scripts do, only which there are.

mod console;
mod machine;
mod network;
mod node;

use crate::shell;
use crate::vm::{Initramfs, Kernel, Size, packages};
use anyhow::{Context, Result, bail};
use machine::{Machine, place};
use network::Network;
use node::Node;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const INIT: &str = include_str!("guest/init.sh");
const SCRIPTS: [&str; 3] = ["agent.sh", "services.sh", "smoke.sh"];

/// How long a machine may take to give a shell.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub struct Options {
    /// The network namespace that the machines are in
    #[arg(long, default_value = "mesh-lab", global = true)]
    namespace: String,
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand)]
enum Step {
    /// Start the machines that do not run, and pass the smoke test
    Up(Up),
    /// A shell in a machine, or one command in it
    Ssh {
        node: String,
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Which machines run, and what one of them says of the cluster
    Status,
    /// Cut a machine's power; `up` starts it again with its data
    Kill { node: String },
    /// Cut a machine off from the others
    Partition {
        node: String,
        /// Join it to them again
        #[arg(long)]
        heal: bool,
    },
    /// End all machines and forget their data
    Down,
}

#[derive(clap::Args)]
struct Up {
    /// Only these machines; they are then the whole cluster
    nodes: Vec<String>,
    /// The kernel of the machines
    #[arg(long, value_enum, default_value_t = Kernel::V6_1)]
    kernel: Kernel,
    /// Start this binary instead of building one
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// MiB of a machine
    #[arg(long, default_value_t = 384)]
    memory: u32,
}

pub fn run(options: &Options) -> Result<()> {
    let network = Network::named(&options.namespace);
    match &options.step {
        Step::Up(up) => start(&network, up),
        Step::Ssh { node, command } => ssh(&network, &one(node)?, command),
        Step::Status => status(&network),
        Step::Kill { node } => cut_power(&one(node)?),
        Step::Partition { node, heal } => network.connect(&one(node)?, *heal),
        Step::Down => end(&network),
    }
}

fn one(name: &str) -> Result<Node> {
    Node::read(&[name.to_owned()])?.into_iter().next().context("a name names a node")
}

fn start(network: &Network, up: &Up) -> Result<()> {
    if matches!(up.kernel, Kernel::Uml | Kernel::All) {
        bail!("the lab's machines run one kernel under QEMU: found {}", up.kernel.name());
    }
    let nodes = Node::read(&up.nodes)?;
    std::fs::create_dir_all(place()).context("making target/lab")?;
    let kernel = packages::kernel(up.kernel)?;
    let initramfs = place().join("machine.cpio");
    if nodes.iter().all(|node| Machine { node }.pid().is_none()) {
        pack(&kernel, &initramfs, &nodes, up.binary.as_deref())?;
    }
    network.ensure()?;
    let size = Size { cpus: 1, memory: up.memory };
    for node in &nodes {
        network.plug(node)?;
        Machine { node }.start(network, &kernel, &initramfs, &size)?;
    }
    nodes.iter().try_for_each(|node| wait_for(network, node))?;
    shell::announce("smoke test");
    let last = nodes.last().context("vagrant/nodes has no node")?;
    let (said, status) = console::run(network, last, "/opt/mesh/smoke.sh")?;
    print!("{said}");
    if status != 0 {
        bail!("the smoke test failed on {}; see {}", last.name, Machine { node: last }.console().display());
    }
    Ok(())
}

/// One image serves all: a machine's name is on its kernel's command line.
fn pack(kernel: &Path, to: &Path, nodes: &[Node], binary: Option<&Path>) -> Result<()> {
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
    let lines: String = nodes.iter().map(|node| format!("{}\n", node.line)).collect();
    initramfs.file("opt/mesh/nodes", 0o644, lines.as_bytes());
    initramfs.file("opt/mesh/key", 0o600, secret()?.as_bytes());
    initramfs.write(to)
}

/// 32 bytes that nobody guesses, in hexadecimal and then as the agent takes them.
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

/// Until the machine carries commands out.
fn wait_for(network: &Network, node: &Node) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let machine = Machine { node };
    loop {
        if console::run(network, node, "true").is_ok_and(|(_, status)| status == 0) {
            eprintln!("{} is up", node.name);
            return Ok(());
        }
        if machine.pid().is_none() || Instant::now() > deadline {
            bail!("{} does not come up; see {}", node.name, machine.console().display());
        }
        pause();
    }
}

/// Between two looks at a condition.
#[allow(clippy::disallowed_methods)]
fn pause() {
    std::thread::sleep(Duration::from_millis(500));
}

fn ssh(network: &Network, node: &Node, command: &[String]) -> Result<()> {
    if command.is_empty() {
        return console::open(network, node);
    }
    let (said, status) = console::run(network, node, &command.join(" "))?;
    print!("{said}");
    if status == 0 { Ok(()) } else { bail!("the command failed on {} with status {status}", node.name) }
}

fn status(network: &Network) -> Result<()> {
    let mut running = Vec::new();
    for node in Node::read(&[])? {
        let state = Machine { node: &node }.pid().map(|pid| format!("runs as process {pid}"));
        println!("{:10} {:12} {}", node.name, node.address, state.as_deref().unwrap_or("does not run"));
        if state.is_some() {
            running.push(node);
        }
    }
    if let Some(node) = running.first() {
        let (said, _) = console::run(network, node, "mesh members; mesh catalog services")?;
        print!("\n{}:\n{said}", node.name);
    }
    Ok(())
}

fn cut_power(node: &Node) -> Result<()> {
    let machine = Machine { node };
    if machine.kill()? { Ok(()) } else { bail!("{} does not run", node.name) }
}

fn end(network: &Network) -> Result<()> {
    for node in &Node::read(&[])? {
        Machine { node }.kill()?;
    }
    network.remove()?;
    if place().exists() {
        std::fs::remove_dir_all(place()).context("removing target/lab")?;
    }
    Ok(())
}
