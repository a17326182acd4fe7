//! `cargo xtask simulate`.

use crate::shell;
use anyhow::Result;

#[derive(clap::Args)]
pub struct Options {
    /// Run the one schedule of the servers' agreement that has this seed, and show what happened
    #[arg(long)]
    seed: Option<u64>,
    /// How many schedules of the servers' agreement to run
    #[arg(long, default_value_t = 2000)]
    schedules: u64,
}

/// The simulations that would take minutes without optimisation, one after the other; they print what they measure.
pub fn run(options: &Options) -> Result<()> {
    const TESTS: [&str; 3] = ["--ignored", "--nocapture", "--test-threads=1"];
    let mut tests = shell::cargo(&["test", "--release", "--workspace", "--lib", "--"]);
    tests.args(TESTS).env("MESH_SIMULATE_SCHEDULES", options.schedules.to_string());
    match options.seed {
        Some(seed) => tests.arg("raft::tests::simulation::").env("MESH_SIMULATE_SEED", seed.to_string()),
        None => tests.arg("simulation::"),
    };
    shell::must(tests)
}
