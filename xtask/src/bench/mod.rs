//! `cargo xtask bench`: measures the data path against plain loopback and other proxies.
//!
//! Everything runs in a network namespace of its own. In each round every peer is measured once, plain
//! loopback first, so that what disturbs the machine disturbs them all; figures are medians of the rounds'
//! ratios to plain. It does not know how a peer works, only how it is started.

mod bar;
mod certificates;
mod cgroups;
mod control;
mod figures;
mod hooks;
mod measure;
mod namespace;
mod peer;
mod peers;
mod report;

use crate::shell;
use anyhow::{Context, Result, bail};
use measure::{Measure, Turns};
use namespace::Namespace;
use peer::{Peer, Running};
use report::Results;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    plane: Option<Plane>,
    /// Rounds; in each of them every peer is measured once
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 2.0)]
    secs: f64,
    /// Idle connections whose memory is measured
    #[arg(long, default_value_t = 1000)]
    conns: usize,
    /// How often an open connection is cut
    #[arg(long, default_value_t = 50)]
    tries: usize,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Measure::ALL)]
    measure: Vec<Measure>,
    /// The proxies alone in one process, without an agent around them
    #[arg(long)]
    bare: bool,
    /// Measure what was built before instead of building
    #[arg(long)]
    built: bool,
    /// Leave the kernel's data plane out
    #[arg(long)]
    no_kernel: bool,
    /// Measure our agent a second time, with the kernel's TLS for each connection; it needs a kernel that has it
    #[arg(long)]
    ktls: bool,
    /// Leave haproxy out
    #[arg(long)]
    no_haproxy: bool,
    /// An Envoy binary to measure as well
    #[arg(long, value_name = "PATH")]
    envoy: Option<PathBuf>,
    /// A Consul 1.8 binary to measure as well, with its built-in proxy
    #[arg(long, value_name = "PATH")]
    consul: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Plane {
    /// Measure the control plane instead: three servers of ours against three of Consul's
    Control(control::Options),
}

/// What peers need to know.
pub struct Scene {
    pub namespace: Namespace,
    /// Configuration, certificates and logs of this run.
    pub directory: PathBuf,
    /// The load tool: this program, optimized.
    pub tool: PathBuf,
    /// The application behind every path.
    pub app: SocketAddr,
}

/// # Errors
/// No root, no namespaces, a peer that does not start, a connection that fails.
pub fn run(options: &Options) -> Result<()> {
    if !is_root() {
        bail!("the benchmark makes a network namespace: run it as root (sudo -E cargo xtask bench)");
    }
    if let Some(Plane::Control(options)) = &options.plane {
        return control::run(options);
    }
    let peers = peers::chosen(options)?;
    if !options.built {
        build(options.bare)?;
    }
    let scene = Scene::create("bench")?;
    certificates::make(&scene.directory)?;
    let results = measure_all(options, &scene, &peers)?;
    let file = results.write(&scene.directory)?;
    println!("{}", results.table());
    println!("Every figure: {}", file.display());
    Ok(())
}

impl Scene {
    /// A namespace, and a folder of this name in cargo's target directory.
    fn create(folder: &str) -> Result<Self> {
        let directory = shell::target().join(folder);
        std::fs::create_dir_all(&directory).with_context(|| format!("making {}", directory.display()))?;
        Ok(Self {
            namespace: Namespace::create()?,
            tool: shell::target().join("release/xtask"),
            app: SocketAddr::from(([127, 0, 0, 1], 9000)),
            directory,
        })
    }
}

fn is_root() -> bool {
    // The owner of a process's entry is its effective user.
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

fn build(bare: bool) -> Result<()> {
    let mut arguments = vec!["build", "--release", "--workspace"];
    arguments.extend(if bare { ["--example", "proxy_pair"] } else { ["--bin", "mesh"] });
    arguments.extend(["--bin", "xtask"]);
    shell::must(shell::cargo(&arguments))
}

fn measure_all(options: &Options, scene: &Scene, peers: &[Box<dyn Peer>]) -> Result<Results> {
    let mut results = Results::new(peers.iter().map(|peer| peer.name()).collect());
    for measure in &options.measure {
        let core = measure.pinned().then_some(0);
        let _app = scene.namespace.start_app(scene, core)?;
        let mut take = |peer: &dyn Peer, running: &Running, round| -> Result<()> {
            if measure.applies_to(running) {
                results.add(*measure, peer.name(), round, measure.run(options, scene, running, core)?);
            }
            Ok(())
        };
        if measure.turns() == Turns::Fresh {
            for peer in peers {
                take(&**peer, &peer.start(scene, core)?, 0)?;
            }
            continue;
        }
        let running: Vec<Running> =
            peers.iter().map(|peer| peer.start(scene, core)).collect::<Result<_>>()?;
        let rounds = if measure.turns() == Turns::Once { 1 } else { options.rounds };
        for round in 0..rounds {
            for (peer, running) in peers.iter().zip(&running) {
                take(&**peer, running, round)?;
            }
        }
        eprintln!("measured {measure}");
    }
    Ok(results)
}
