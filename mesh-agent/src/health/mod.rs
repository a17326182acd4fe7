//! Runs health checks, each as a task of its own, and reports what they find.
//!
//! It does not know who registered a check, where results are kept, or what an unhealthy service
//! means to anybody: reports leave through one bounded queue, and the owner of that queue decides.

mod alias;
mod connect;
mod error;
mod grpc;
mod h2ping;
mod http;
mod output;
mod prober;
mod report;
mod runner;
mod runners;
mod script;
mod tcp;
mod tls;
mod transition;
mod ttl;
mod udp;

pub use alias::{AliasSource, AliasTarget};
pub use error::CheckRefused;
pub use prober::validate;
pub use report::{CheckReport, RunId};
pub use runners::{CheckRunners, DesiredCheck, RunnerDeps};
pub use tls::CheckTls;
pub use transition::{Streak, Thresholds, transition};

#[cfg(test)]
mod testing;
