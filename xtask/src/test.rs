//! `cargo xtask test`.

use crate::{lint, packages, shell, vm};
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

/// Tests that do not run on this machine's kernel.
#[derive(clap::Subcommand)]
enum Elsewhere {
    /// Run tests on other kernels, in machines that are made for it
    Vm(vm::Options),
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Suite {
    /// The tests inside the crates: no network beyond the loopback, no other programs
    Unit,
    /// The tests that drive the built binary from outside
    E2e,
    /// Lints, then both
    All,
}

/// Every cargo call names the whole workspace: it then builds dependencies once, with one set of features.
pub fn run(options: &Options) -> Result<()> {
    if let Some(Elsewhere::Vm(options)) = &options.elsewhere {
        return vm::run(options);
    }
    if options.suite == Suite::All {
        shell::announce("lints and house rules");
        lint::run()?;
    }
    if options.suite != Suite::E2e {
        shell::announce("unit tests");
        unit()?;
    }
    if options.suite != Suite::Unit {
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
