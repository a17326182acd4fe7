//! Speaks with the other nodes of the cluster: answers their calls, and makes this node's.
//!
//! Servers pass on what only their leader may do; client agents ask servers for everything. It does not know how
//! nodes find each other, nor how calls travel.

mod acquaintances;
mod agreement;
mod divided;
mod door;
mod federation;
mod lead;
mod question;
mod remote;
mod replica;
mod source;
#[cfg(test)]
mod tests;
mod wire;

pub use acquaintances::Acquaintances;
pub use agreement::ServerAgreement;
pub use divided::DividedDoor;
pub use door::{Pages, PeerDoor};
pub use federation::{Federation, Unreached};
pub use lead::way_to_leader;
pub use question::{CaRequest, Introduction, ServerStatus};
pub use remote::{KnownServers, RemoteServers, pass_on};
pub use wire::RaftWire;
