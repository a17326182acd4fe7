//! `cargo xtask test`.

use crate::{lint, packages, portable, shell, vm};
use anyhow::{Context, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    /// What to run
    #[arg(value_enum, default_value_t = Suite::All)]
    suite: Suite,
    #[command(subcommand)]
    elsewhere: Option<Elsewhere>,
}

/// Tests that a change need not pass each time: of other kernels, or long ones.
#[derive(clap::Subcommand)]
enum Elsewhere {
    /// Run tests on other kernels, in machines that are made for it
    Vm(vm::Options),
    /// Let one fault after the other, drawn by chance, befall a cluster under load
    Soak(Soak),
    /// Keep three servers under a bounded load: whoever leads at first leads in the end, and nobody stood for election
    Steady(Steady),
}

#[derive(clap::Args)]
struct Steady {
    /// For how long
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// What all clients ask in a second, two thirds of it writes
    #[arg(long, default_value_t = 400)]
    rate: u64,
    /// The program of the servers; unless given, an optimized one is built
    #[arg(long)]
    binary: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Soak {
    /// For how long
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Which faults are drawn follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Suite {
    /// The tests inside the crates: no network beyond the loopback, no other programs
    Unit,
    /// The tests that drive the built binary from outside
    E2e,
    /// Whether the agent compiles for other systems
    Portable,
    /// Lints, then all of these
    All,
}

/// Every cargo call names the whole workspace: it then builds dependencies once, with one set of features.
pub fn run(options: &Options) -> Result<()> {
    match &options.elsewhere {
        Some(Elsewhere::Vm(options)) => return vm::run(options),
        Some(Elsewhere::Soak(options)) => return soak(options),
        Some(Elsewhere::Steady(options)) => return steady(options),
        None => {}
    }
    if options.suite == Suite::All {
        shell::announce("lints and house rules");
        lint::run()?;
    }
    let wanted = |suite| options.suite == suite || options.suite == Suite::All;
    if wanted(Suite::Portable) {
        shell::announce("other systems");
        portable::run()?;
    }
    if wanted(Suite::Unit) {
        shell::announce("unit tests");
        unit()?;
        shell::announce("the proxy with the kernel's TLS");
        vm::kernel_tls()?;
    }
    if wanted(Suite::E2e) {
        shell::announce("end-to-end tests");
        end_to_end()?;
    }
    Ok(())
}

/// Those of the kernel programs use a cgroup of their own, where they may make one.
fn unit() -> Result<()> {
    let skips = SkipLog::start()?;
    let mut tests = shell::cargo(&["test", "--workspace", "--lib", "--bins"]);
    tests.args(["--test", "certificates", "--test", "kernel"]).env("MESH_SKIP_LOG", &skips.path);
    let result = shell::must(tests);
    skips.report();
    result
}

fn end_to_end() -> Result<()> {
    packages::ensure()?;
    let skips = SkipLog::start()?;
    shell::must(shell::cargo(&["build", "--workspace", "--bin", "mesh"]))?;
    let mut tests = shell::cargo(&["test", "--workspace", "--test", "e2e", "--no-fail-fast"]);
    tests.env("MESH_SKIP_LOG", &skips.path);
    let result = shell::must(tests);
    skips.report();
    result
}

fn soak(options: &Soak) -> Result<()> {
    packages::ensure()?;
    shell::must(shell::cargo(&["build", "--workspace", "--bin", "mesh"]))?;
    let mut test = shell::cargo(&["test", "--workspace", "--test", "e2e", "--", "--ignored", "--nocapture"]);
    test.arg("faults::soak::");
    test.env("MESH_SOAK_MINUTES", options.minutes.to_string());
    test.env("MESH_SOAK_SEED", options.seed.to_string());
    shell::must(test)
}

fn steady(options: &Steady) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("looking for {}", binary.display()))?,
        None => {
            shell::must(shell::cargo(&["build", "--release", "--workspace", "--bin", "mesh"]))?;
            shell::target().join("release/mesh")
        }
    };
    let mut test = shell::cargo(&["test", "--workspace", "--test", "e2e", "--", "--ignored", "--nocapture"]);
    test.arg("steady::").env("MESH_BINARY", binary);
    test.env("MESH_STEADY_MINUTES", options.minutes.to_string());
    test.env("MESH_STEADY_RATE", options.rate.to_string());
    shell::must(test)
}

/// Where tests that could not run write why: libtest itself counts them as passed.
struct SkipLog {
    path: PathBuf,
}

impl SkipLog {
    fn start() -> Result<Self> {
        let path = shell::target().join("skipped-tests.txt");
        std::fs::write(&path, "").with_context(|| format!("emptying {}", path.display()))?;
        Ok(Self { path })
    }

    fn report(&self) {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let count = text.lines().count();
        if count == 0 {
            shell::announce("no test was skipped");
            return;
        }
        shell::announce(&format!("{count} tests were SKIPPED:"));
        text.lines().for_each(|line| eprintln!("    {line}"));
    }
}
