//! Builds, runs, tests and measures the project. It shells out, and depends on no crate of ours.

mod bench;
mod build;
mod ebpf;
mod lab;
mod lint;
mod load;
mod packages;
mod portable;
mod run;
mod shell;
mod simulate;
mod test;
mod tidy;
mod vm;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, runs, tests and measures the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the release binary, target/release/mesh, and the kernel programs in it
    Build(build::Options),
    /// Build it and start a demonstration of the mesh on this machine
    Run(run::Options),
    /// Run what a change must pass: lints, unit tests, end-to-end tests
    Test(test::Options),
    /// Run the simulations of large clusters and of servers in trouble, optimized
    Simulate(simulate::Options),
    /// Check formatting, clippy, the house rules and, where installed, cargo-deny
    Lint,
    /// Check the house rules: floors, file sizes, room pages
    Tidy,
    /// Measure the data path against plain loopback and other proxies
    Bench(bench::Options),
    /// Start a cluster of virtual machines on this one, and break it
    Lab(lab::Options),
    /// The benchmark's application and clients
    #[command(subcommand, hide = true)]
    Load(load::Mode),
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<()> {
    match command {
        Command::Build(options) => build::carry_out(&options),
        Command::Run(options) => run::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Lint => lint::run(),
        Command::Tidy => tidy::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Lab(options) => lab::run(&options),
        Command::Load(mode) => load::run(mode),
    }
}
