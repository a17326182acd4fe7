//! mesh: one agent per host that finds services, gives them identities, and encrypts and authorizes
//! every connection between them.
//!
//! The rooms stand on floors and import only downwards; see ARCHITECTURE.md. `xtask tidy` holds it.

// Floor 0, ground.
pub mod clock;
pub mod task;
pub mod telemetry;
pub mod whole_file;
// Floor 1, words.
pub mod model;
// Floor 2, rules.
pub mod acl;
pub mod coordinate;
pub mod filter;
pub mod intention;
pub mod pki;
pub mod snapshot;
pub mod stream;
pub mod wire;
// Floor 3, state.
pub mod discovery;
pub mod rpc;
pub mod state;
// Floor 4, engines.
pub mod ca;
pub mod dataplane;
pub mod gossip;
pub mod health;
pub mod leaf;
pub mod proxy;
pub mod raft;
pub mod view;
// Floor 5, facade.
pub mod catalog;
// Floor 6, duties.
pub mod event;
pub mod exec;
pub mod leader;
pub mod local;
pub mod policy;
pub mod session;
// Floor 7, doors.
pub mod cli;
pub mod dns;
pub mod http;
pub mod peer;
// Floor 8, house.
pub mod agent;
