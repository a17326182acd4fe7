//! Turns a DNS question into a discovery query, and results into records, over UDP and TCP.
//!
//! It does not know how the catalog is replicated, nor HTTP. Every answer of its own zones is computed by
//! pure functions from a reader of the catalog, a seed and a time. Around them stand the sockets, framing and
//! decoding of `hickory-server`, for which this room is the request handler, and recursors.

mod across;
mod answer;
mod captured;
mod client;
mod domain;
mod framing;
mod handler;
mod inside;
mod names;
mod options;
mod passing;
mod question;
mod record_maker;
mod recursor;
mod reply;
mod request;
mod responder;
mod server;
mod tcp;
#[cfg(test)]
mod tests;

pub use across::{Across, Unanswered};
pub use captured::{CapturedDns, Meant};
pub use domain::{Domain, DomainError};
pub use inside::InsideDns;
pub use options::{DnsOptions, Soa};
pub use server::{BindError, DnsServer};
