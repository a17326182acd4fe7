//! `cargo xtask bench control`: three durable servers of ours against three of Consul's, in one run.
//!
//! Both clusters run side by side in a network namespace of their own, each server on a loopback address; in
//! each round every measure is taken of one and then of the other. It speaks Consul's API to both, and does
//! not know how either works.

mod cluster;
mod fixture;
mod measure;
mod report;
mod software;

use super::Scene;
use super::namespace::Process;
use crate::shell;
use crate::vm::packages;
use anyhow::{Context, Result};
use cluster::Cluster;
use fixture::Fixture;
use measure::Measure;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use report::Results;
use software::Software;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    /// Rounds; in each of them both are measured once
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each measurement of a rate
    #[arg(long, default_value_t = 2.0)]
    secs: f64,
    /// Services whose memory is measured
    #[arg(long, default_value_t = 10_000)]
    services: usize,
    /// Blocking queries that wait at one server
    #[arg(long, default_value_t = 10_000)]
    watchers: usize,
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Measure::ALL)]
    measure: Vec<Measure>,
    /// Measure what was built before instead of building
    #[arg(long)]
    built: bool,
    /// Ours alone, for whoever works on it
    #[arg(long)]
    no_consul: bool,
    /// A Consul 1.8 binary, instead of Debian 11's, which is fetched and not installed
    #[arg(long, value_name = "PATH")]
    consul: Option<PathBuf>,
}

/// # Errors
/// A cluster does not come up, or a measurement cannot be taken.
pub fn run(options: &Options) -> Result<()> {
    if !options.built {
        super::build(false)?;
    }
    raise_descriptors()?;
    let mut peers = vec![Software::Mesh];
    if !options.no_consul {
        peers.push(Software::Consul(options.consul.clone().map_or_else(packages::consul, Ok)?));
    }
    let scene = Scene::create("bench-control")?;
    let mut results = Results::default();
    let _app = scene.namespace.start_app(&scene, None)?;
    side_by_side(options, &scene, &peers, &mut results)?;
    alone(options, &scene, &peers, &mut results)?;
    let file = results.write(&scene.directory)?;
    println!("{}", results.table());
    println!("Every figure: {}", file.display());
    Ok(())
}

/// Thousands of connections are open at once; what we start inherits this.
fn raise_descriptors() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("raising the limit of open files")
}

/// What is measured of both clusters while both run, the idle one costing next to nothing.
fn side_by_side(options: &Options, scene: &Scene, peers: &[Software], results: &mut Results) -> Result<()> {
    let measures: Vec<Measure> =
        options.measure.iter().copied().filter(|measure| !measure.needs_fresh_processes()).collect();
    if measures.is_empty() {
        return Ok(());
    }
    let mut running = Vec::new();
    for software in peers {
        let cluster = Cluster::start(scene, software, "side", 3)?;
        running.push((Fixture::prepare(scene, software, cluster)?, software));
    }
    for measure in measures {
        let rounds = if measure.is_steady() { 1 } else { options.rounds };
        for round in 0..rounds {
            for (fixture, software) in &running {
                results.add(measure, software.name(), round, measure.run(options, scene, fixture)?);
            }
        }
        shell::announce(&results.last(measure));
    }
    Ok(())
}

/// What needs servers of its own, with nothing left over from other measurements.
fn alone(options: &Options, scene: &Scene, peers: &[Software], results: &mut Results) -> Result<()> {
    for measure in options.measure.iter().copied().filter(|measure| measure.needs_fresh_processes()) {
        let rounds = if measure.is_steady() { 1 } else { options.rounds };
        for round in 0..rounds {
            for software in peers {
                let cluster = Cluster::start(scene, software, "alone", measure.servers())?;
                let fixture = Fixture::bare(scene, cluster)?;
                results.add(measure, software.name(), round, measure.run(options, scene, &fixture)?);
            }
        }
        shell::announce(&results.last(measure));
    }
    Ok(())
}

/// Processes whose end ends a measurement's world.
type Processes = Vec<Process>;
