//! The load tool of the benchmark: an application, and clients that measure a path to it.
//!
//! It runs as a process of its own, so that its work is not counted as a proxy's. Every mode prints one JSON
//! object. It does not know what lies between client and application.

mod bulk;
mod connect;
pub mod control;
mod deny;
mod dial;
mod hold;
mod numbers;
mod pingpong;
mod protocol;
mod serve;
pub mod usage;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

#[derive(Subcommand)]
pub enum Mode {
    /// The application that every other mode talks to
    Serve {
        #[arg(long, required = true)]
        listen: Vec<SocketAddr>,
    },
    /// Goodput of long connections
    Bulk {
        #[command(flatten)]
        target: Target,
        #[arg(long, default_value_t = 1)]
        conns: usize,
    },
    /// Time of a small question and its answer on one long connection
    Pingpong {
        #[command(flatten)]
        target: Target,
        #[arg(long, default_value_t = 64)]
        size: usize,
    },
    /// New connections, each of which carries one byte there and back
    Connect {
        #[command(flatten)]
        target: Target,
        #[arg(long, default_value_t = 16)]
        clients: usize,
    },
    /// Connections one after the other, of which only socket() and connect() are timed
    Dial {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        dial: dial::Dial,
    },
    /// Denies the pair of services `client` and `echo` again and again, and waits for the end of a connection
    Deny {
        #[command(flatten)]
        target: Target,
        /// The agent's HTTP API
        #[arg(long)]
        api: SocketAddr,
        #[arg(long, default_value_t = 50)]
        tries: usize,
    },
    /// Memory of idle connections
    Hold {
        #[command(flatten)]
        target: Target,
        #[arg(long, default_value_t = 1000)]
        conns: usize,
    },
    #[command(flatten)]
    Control(control::ControlMode),
}

#[derive(Args)]
pub struct Target {
    /// Where the path to the application begins; a name is looked up once
    #[arg(long, value_parser = look_up)]
    addr: SocketAddr,
    /// How long to measure
    #[arg(long, default_value_t = 3.0)]
    secs: f64,
    /// Processes whose CPU time and memory are reported, with their descendants
    #[arg(long)]
    pid: Vec<u32>,
}

fn look_up(text: &str) -> io::Result<SocketAddr> {
    text.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the name has no address"))
}

impl Target {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.secs)
    }
}

/// Runs one mode and prints what it found, or `{"error": …}`.
///
/// # Errors
/// The runtime cannot be built.
pub fn run(mode: Mode) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        match mode {
            Mode::Serve { listen } => serve::run(&listen).await,
            Mode::Bulk { target, conns } => bulk::run(&target, conns).await,
            Mode::Pingpong { target, size } => pingpong::run(&target, size).await,
            Mode::Connect { target, clients } => connect::run(&target, clients).await,
            Mode::Dial { target, dial } => dial.run(target.addr, target.time()),
            Mode::Deny { target, api, tries } => deny::run(target.addr, api, tries).await,
            Mode::Hold { target, conns } => hold::run(&target, conns).await,
            Mode::Control(mode) => mode.run().await,
        }
    });
    println!("{}", found.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })));
    Ok(())
}
