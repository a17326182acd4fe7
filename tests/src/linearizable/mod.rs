//! Records what concurrent clients did to stored values and locks, and checks that one order explains it all.
//!
//! It knows `/v1/kv` and `/v1/session` and nothing of how many servers answer: give it the addresses of one agent or
//! of a whole cluster, and do to that what you like meanwhile.

mod client;
mod recorder;
mod register;
mod workload;

pub use recorder::Recorder;
pub use register::{Operation, Outcome, Register, Request};
pub use workload::{Running, Workload};
