use super::GossipError;
use crate::model::{Datacenter, NodeName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use uuid::Uuid;

/// What an agent tells the others of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: NodeName,
    pub id: Uuid,
    /// Where others reach it.
    pub address: IpAddr,
    pub gossip_port: u16,
    /// Where it takes calls from other agents; 0 for nowhere.
    pub rpc_port: u16,
    pub role: Role,
    pub datacenter: Datacenter,
    /// How many servers it waits for before they begin; 0 when it does not wait.
    pub bootstrap_expect: u32,
    /// Its id among the voters; 0 for a client.
    pub raft_id: u64,
    /// Its version and what else is worth knowing.
    pub tags: BTreeMap<String, String>,
}

/// What an agent does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    Server,
    Client,
}

impl Member {
    /// Where its datagrams go.
    pub fn gossip(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.gossip_port)
    }

    /// Where its calls go.
    pub fn rpc(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.rpc_port)
    }

    pub fn is_server(&self) -> bool {
        self.role == Role::Server
    }
}

/// What a member means to do, besides being there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Intent {
    #[default]
    Stay,
    /// Its silence is no failure.
    Leave,
    /// It left, and is not to be shown any more.
    Prune,
}

/// Which life of a member this is: of two at one address, the greater is the one that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Generation {
    /// When the process started, in Unix milliseconds, or more where that was taken.
    pub born: u64,
    /// How often it had to contradict its death since.
    pub renewal: u32,
}

/// A member in one of its lives, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Card {
    pub member: Member,
    pub generation: Generation,
    pub intent: Intent,
}

/// Most bytes of a card: three of them, and what else a datagram's head holds, fit into one.
pub(super) const MOST_CARD: usize = 400;

impl Card {
    pub fn encode(&self) -> Result<Vec<u8>, GossipError> {
        let bytes = rmp_serde::to_vec(self).expect("a card has nothing that cannot be encoded");
        if bytes.len() > MOST_CARD {
            return Err(GossipError::MemberTooLarge {
                name: self.member.name.clone(),
                found: bytes.len(),
                most: MOST_CARD,
            });
        }
        Ok(bytes)
    }
}
