//! Many small messages to a peer and their answers, on a connection of their own, each a frame in one record.
//!
//! Calls over HTTP/2 cost several times as much, which a write that servers agree on would pay for at each of them. The
//! first frame names the method, all others are messages for it. It does not know what they mean.

mod frame;
mod line;
mod messenger;
mod server;

pub use messenger::Messenger;
pub(super) use server::serve;

/// What the two ends say in their handshake, so that no other protocol is taken for this one.
pub(super) const PROTOCOL: &[u8] = b"mesh-messages/1";
