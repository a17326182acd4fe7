//! Parses commands and carries them out, talking to an agent only over HTTP.
//!
//! It does not know how an agent is built or where it keeps things: what needs that is a port of [`House`].

mod autopilot;
mod call;
mod catalog;
pub mod client;
mod command;
mod connect;
mod dataplane;
mod event;
mod exec;
mod failure;
mod flags;
mod help;
mod info;
mod intention;
mod join;
mod keyring;
mod kv;
mod launch;
mod lock;
mod maint;
mod members;
mod monitor;
mod operator;
mod rtt;
mod run;
mod services;
mod snapshot;
mod table;
mod time;
mod tls;
mod tree;
mod validate;
mod version;
pub mod watch;

pub use failure::Failure;
pub use flags::{Flag, FlagError, FlagKind, Matches};
pub use run::{House, Program, main};
pub use version::{CONSUL_VERSION, VERSION};
