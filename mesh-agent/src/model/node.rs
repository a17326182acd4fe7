use super::{Datacenter, Meta, NodeName, RaftIndex};
use serde::{Deserialize, Serialize};

/// A host that runs an agent, or an external one entered by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// A UUID that survives renaming; absent for nodes registered without one.
    pub id: Option<uuid::Uuid>,
    pub name: NodeName,
    /// An IP address, or a host name for external nodes.
    pub address: String,
    pub datacenter: Datacenter,
    /// `lan`, `wan`, `lan_ipv4` … to address.
    pub tagged_addresses: Meta,
    pub meta: Meta,
    pub index: RaftIndex,
}
