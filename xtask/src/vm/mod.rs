//! `cargo xtask test vm`: our tests on kernels other than this machine's.
//!
//! Kernels are fetched as packages, unpacked below target/vm and never installed. It does not know what the tests
//! check, only how their programs are called and what status they end with.

mod cpio;
mod initramfs;
mod kernel;
mod machine;
mod modules;
pub mod packages;
mod programs;
pub mod qemu;
mod report;
mod tools;

use crate::shell;
use anyhow::{Context, Result, bail};
pub use initramfs::{Initramfs, stripped};
pub use kernel::Kernel;
use machine::Machine;
pub use machine::Size;
use programs::{Built, Program};
use report::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;

const INIT: &str = include_str!("guest/init.sh");

/// That of tests, unless something else is said.
const PATIENCE: u32 = 5;

#[derive(clap::Args)]
pub struct Options {
    /// Kernels to test on
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kernel::V6_1])]
    kernel: Vec<Kernel>,
    /// Test programs to run there
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Program::Kernel])]
    program: Vec<Program>,
    /// Seconds after which a machine is ended
    #[arg(long, default_value_t = 900)]
    timeout: u64,
    /// Processors of a machine; User-Mode Linux has one
    #[arg(long, default_value_t = 1)]
    cpus: u32,
    /// Have the machine's clock count instructions, a nanosecond each: for measurements of cost, never of speed
    #[arg(long)]
    count: bool,
    /// Count the system calls of the test programs
    #[arg(long)]
    strace: bool,
    /// MiB of a machine
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    /// Test this binary instead of an unoptimized one: an emulated machine is slow enough
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// How many times as long tests wait for what they expect: an emulated machine is that much slower
    #[arg(long, default_value_t = PATIENCE, value_parser = clap::value_parser!(u32).range(1..=100))]
    patience: u32,
    /// What to tell the test programs: the names of tests, or libtest's flags
    #[arg(last = true)]
    filter: Vec<String>,
}

/// The proxy's tests with the kernel's TLS, in User-Mode Linux: a process of this machine that is up in a second.
/// Where that kernel cannot be had it is said, and nothing is run.
pub fn kernel_tls() -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        shell::announce("SKIPPED: the kernel's TLS, because its kernel is for x86-64 only");
        return Ok(());
    }
    if let Err(error) = fetched() {
        shell::announce(&format!(
            "SKIPPED: the kernel's TLS, because its kernel cannot be fetched: {error:#}"
        ));
        return Ok(());
    }
    run(&Options {
        kernel: vec![Kernel::Uml],
        program: vec![Program::Proxy, Program::Peers],
        timeout: 300,
        cpus: 1,
        count: false,
        strace: false,
        memory: 1024,
        binary: None,
        patience: PATIENCE,
        filter: Vec::new(),
    })
}

/// What [`kernel_tls`] takes of packages.
fn fetched() -> Result<()> {
    packages::kernel(Kernel::Uml)?;
    packages::busybox()?;
    packages::consul().map(drop)
}

/// Boots each kernel in turn and says at the end what came of them.
pub fn run(options: &Options) -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        bail!("the kernels are those of x86-64, which this machine is not");
    }
    std::fs::create_dir_all(packages::store()).context("making target/vm")?;
    let built = programs::build(&options.program, options.binary.as_deref())?;
    let kernels: Vec<Kernel> = options.kernel.iter().flat_map(|kernel| kernel.expand()).collect();
    let mut failed = Vec::new();
    let mut summary = String::new();
    for kernel in kernels {
        shell::announce(&format!("Linux {}", kernel.name()));
        let told = match on(kernel, &built, options) {
            Ok(told) => told,
            Err(error) => {
                failed.push(kernel.name());
                format!("FAILED: {error:#}")
            }
        };
        summary += &format!("    {:8}{told}\n", kernel.name());
    }
    shell::announce(&format!("machines:\n{}", summary.trim_end()));
    if failed.is_empty() { Ok(()) } else { bail!("tests failed on Linux {}", failed.join(", ")) }
}

/// One kernel; what to say of it in the summary.
fn on(kernel: Kernel, built: &Built, options: &Options) -> Result<String> {
    if let Some(why) = built.tests.iter().find_map(|(program, _)| kernel.bars(*program)) {
        return Ok(format!("SKIPPED: {why}"));
    }
    // Of its own, so that several may run at once.
    let place = packages::store().join("runs").join(format!("{}-{}", kernel.name(), std::process::id()));
    std::fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    let report = run_in(&place, kernel, built, options);
    std::fs::remove_dir_all(&place).with_context(|| format!("removing {}", place.display()))?;
    let report = report?;
    for (program, why) in &report.skipped {
        println!("    {program}: {why}");
    }
    let programs: Vec<(&str, bool)> =
        built.tests.iter().map(|(program, _)| (program.name(), kernel.must_run(*program))).collect();
    let faults = report.faults(&programs);
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    Ok(format!("passed, {} skipped", report.skipped.len()))
}

/// Packs and boots one machine there; what it reported.
fn run_in(place: &Path, kernel: Kernel, built: &Built, options: &Options) -> Result<Report> {
    let folder = packages::kernel(kernel)?;
    let initramfs = place.join("initramfs.cpio");
    pack(&folder, &initramfs, built, options)?;
    let size = Size { cpus: options.cpus, memory: options.memory };
    let limit = Duration::from_secs(options.timeout);
    let counts = options.count;
    Machine { kernel, folder: &folder, initramfs: &initramfs, place, size, limit, counts }.run()
}

fn pack(kernel: &Path, to: &Path, built: &Built, options: &Options) -> Result<()> {
    let mut initramfs = Initramfs::new(kernel, INIT)?;
    if let Some(mesh) = &built.mesh {
        initramfs.program("mesh/bin/mesh", mesh)?;
    }
    let end_to_end = built.tests.iter().any(|(program, _)| *program == Program::E2e);
    tools::add(&mut initramfs, end_to_end)?;
    if options.program.contains(&Program::Peers) {
        initramfs.program("mesh/bin/consul", &packages::consul()?)?;
    }
    let wrapped = if options.strace { "strace -f -c " } else { "" };
    let patience = format!("MESH_TEST_PATIENCE={}", options.patience);
    let mut lines = String::new();
    for (program, path) in &built.tests {
        let inside = format!("mesh/tests/{}", program.name());
        initramfs.program(&inside, path)?;
        let own = program.words().iter().copied().filter(|_| options.filter.is_empty());
        let words: String = own
            .chain(options.filter.iter().map(String::as_str))
            .map(|word| format!(" {}", quoted(word)))
            .collect();
        lines += &format!("{} {patience} {wrapped}/{inside}{words}\n", program.name());
    }
    initramfs.file("mesh/run", 0o644, lines.as_bytes());
    initramfs.write(to)
}

/// As the machine's shell takes it for one word.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
