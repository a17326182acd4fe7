//! Knows who is alive: agents tell each other that they are there, by SWIM, in sealed datagrams.
//!
//! It does not know what members do for each other: it opens no connection, reads no catalog and decides nothing
//! about voters. The protocol is foca's; this room adds sealing, joining, leaving, comparing what is known, and names.

mod codec;
mod digest;
mod driver;
mod engine;
mod error;
mod handle;
mod key;
mod keyring;
mod keys;
mod member;
mod message;
mod peer;
mod probes;
mod replay;
mod retry_join;
mod roster;
mod rumours;
mod seal;
mod snapshot;
mod start;
mod timers;
mod transport;
mod tuning;
mod udp;

#[cfg(test)]
mod tests;

pub use driver::{Driver, GossipOptions};
pub use error::GossipError;
pub use handle::{Gossip, Joins};
pub use key::GossipKey;
pub use keyring::{Keyring, KeyringFile};
pub use keys::KeyringReport;
pub use member::{Member, Role};
pub use retry_join::RetryJoin;
pub use roster::{Conflict, Known, MemberState, Members};
pub use rumours::UserEvent;
pub use snapshot::{Snapshot, Snapshots};
pub use start::{DEFAULT_PORT, DEFAULT_WAN_PORT, Membership};
pub use transport::Transport;
pub use tuning::Tuning;
pub use udp::UdpTransport;
