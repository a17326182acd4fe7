mod exchange;
mod memory;
mod network;
mod roster;
mod simulation;
mod suite;
mod wire;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::model::NodeName;
use std::net::SocketAddr;
use std::time::Duration;
use uuid::Uuid;

fn member(name: &str, at: SocketAddr) -> Member {
    Member {
        name: NodeName::new(name).unwrap(),
        id: Uuid::from_u128(u128::from(crc32c::crc32c(name.as_bytes()))),
        address: at.ip(),
        gossip_port: at.port(),
        rpc_port: 8300,
        role: Role::Client,
        datacenter: "dc1".parse().unwrap(),
        bootstrap_expect: 0,
        raft_id: 0,
        tags: [("build".to_owned(), "1.2.4".to_owned())].into(),
    }
}

/// Ten times as hasty as usual.
fn hasty() -> Tuning {
    Tuning {
        probe_interval: Duration::from_millis(100),
        probe_timeout: Duration::from_millis(50),
        gossip_interval: Duration::from_millis(20),
        exchange_interval: Duration::from_millis(500),
        reconnect_interval: Duration::from_millis(500),
        ..Tuning::default()
    }
}

fn key() -> GossipKey {
    GossipKey::parse("pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=").unwrap()
}
