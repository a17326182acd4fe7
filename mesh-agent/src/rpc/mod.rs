//! Calls between nodes: one multiplexed connection to a peer, under mutual TLS, whatever the number of calls.
//!
//! It is HTTP/2 whose requests name a method and carry one body, and whose answers are one body or frames without
//! end; messages that are many and small have connections of their own. It does not know any method, nor what bodies
//! mean; who calls is what the peer's certificate says.

mod body;
mod call;
mod codec;
mod connection;
mod error;
mod frames;
mod handler;
mod limits;
mod line;
mod messages;
mod peer;
mod pool;
mod server;
mod service;
mod socket;
#[cfg(test)]
mod tests;

pub use codec::{decode, encode};
pub use error::RpcError;
pub use frames::Frames;
pub use handler::{Call, Handler, Refusal, Reply};
pub use limits::RpcLimits;
pub use messages::Messenger;
pub use pool::Pool;
pub use server::RpcServer;
