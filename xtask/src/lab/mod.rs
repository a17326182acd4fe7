//! `cargo xtask lab`: a cluster of virtual machines on a private network.
//!
//! The machines are those of `vagrant/nodes` and run the same provisioning scripts as Vagrant's. It does not know
//! what the scripts do, only which there are.

mod cluster;
mod console;
mod image;
mod machine;
mod network;
mod node;
mod trial;
mod upgrade;

use crate::vm::Kernel;
use anyhow::{Context, Result, bail};
use cluster::Lab;
use machine::{Machine, place};
use network::Network;
use node::Node;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Start all machines, kill, part, reboot and upgrade them under load, and end them
    Test(trial::Options),
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
    /// Cut a machine off from the others, but not from `ssh`
    Partition {
        node: String,
        /// Join it to them again
        #[arg(long)]
        heal: bool,
    },
    /// Put another binary in the place of a machine's, and start its agent anew
    Upgrade {
        node: String,
        #[arg(long, value_name = "PATH")]
        binary: PathBuf,
    },
    /// End all machines and forget their data
    Down,
}

#[derive(clap::Args)]
struct Up {
    /// Only these machines; they are then the whole cluster
    nodes: Vec<String>,
    #[command(flatten)]
    hardware: Hardware,
}

/// What the machines are made of.
#[derive(clap::Args)]
struct Hardware {
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
        Step::Up(up) => {
            let lab = Lab::prepare(network, &up.nodes, &up.hardware)?;
            lab.up(&lab.nodes)?;
            lab.smoke()
        }
        Step::Test(options) => trial::run(network, options),
        Step::Ssh { node, command } => ssh(&network, &one(node)?, command),
        Step::Status => status(&network),
        Step::Kill { node } => Machine { node: &one(node)? }.kill(),
        Step::Partition { node, heal: true } => network.join(&one(node)?),
        Step::Partition { node, heal: false } => network.part(&one(node)?),
        Step::Upgrade { node, binary } => {
            network.enter()?;
            upgrade::run(&network, &one(node)?, &upgrade::Build::of(binary)?)
        }
        Step::Down => end(&network),
    }
}

fn one(name: &str) -> Result<Node> {
    Node::read(&[name.to_owned()])?.into_iter().next().context("a name names a node")
}

/// Between two looks at a condition.
#[allow(clippy::disallowed_methods)]
fn pause() {
    std::thread::sleep(Duration::from_millis(250));
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

fn end(network: &Network) -> Result<()> {
    for node in &Node::read(&[])? {
        let machine = Machine { node };
        if machine.pid().is_some() {
            machine.kill()?;
        }
    }
    network.remove()?;
    if place().exists() {
        std::fs::remove_dir_all(place()).context("removing target/lab")?;
    }
    Ok(())
}
