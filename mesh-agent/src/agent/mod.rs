//! The house: reads configuration, builds the rooms, wires their ports, binds, runs, drains.
//!
//! Everything that two rooms must know of each other is said here and nowhere else. It holds no rules of its own.

mod authority;
mod banner;
mod build;
mod client_seat;
pub mod config;
mod control;
mod core;
mod dataplane;
mod dataplane_facts;
mod doors;
mod error;
mod flooding;
mod follow;
mod founder;
mod founding;
mod fronted;
mod ground;
mod house;
mod identities;
mod identity;
mod ktls;
mod membership;
mod mesh;
mod node_id;
mod observed;
mod options;
mod outposts;
mod pid_file;
mod ports;
mod recheck;
mod remote_exec;
mod run;
mod server_seat;
mod settling;
mod sidecars;
mod signals;
mod steerer;
mod surveyor;
mod surveys;
mod trust;
mod watches;
mod world;

pub use run::{run, validate};
