use super::config::{JoinAddress, RuntimeConfig};
use super::error::StartError;
use super::{options, trust};
use crate::catalog::Catalog;
use crate::gossip::{Gossip, GossipKey, Member, Membership, Role, Tuning};
use crate::leader::{Autopilot, Reconciler};
use crate::raft::RaftNode;
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use uuid::Uuid;

/// Takes part in the list of members, unless this is a development agent, or nothing is shared to seal with.
pub(super) fn start(
    config: &RuntimeConfig,
    id: Uuid,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) -> Result<Option<Gossip>, StartError> {
    let Some(port) = config.network.serf_lan_port else { return Ok(None) };
    let Some(secret) = trust::join_secret(config)? else { return Ok(None) };
    let membership = Membership {
        member: member(config, id, port),
        bind: config.network.bind,
        key: GossipKey::from(secret.gossip_key()),
        data_dir: config.data_dir.clone(),
        join: Vec::new(),
        retry_join: config.cluster.join.iter().flat_map(|address| places(address, port)).collect(),
        retry_interval: config.cluster.retry_interval,
        retry_max: 0,
        rejoin_after_leave: false,
        tuning: Tuning::default(),
    };
    Ok(Some(membership.start(tasks, shutdown)?))
}

/// Where this node is a server: has the catalog and the voters follow the members while it leads.
pub(super) fn reconcile(
    gossip: Option<&Gossip>,
    raft: impl Into<Option<Arc<RaftNode>>>,
    catalog: &Catalog,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) {
    if let (Some(gossip), Some(raft)) = (gossip, raft.into()) {
        let reconciler = Reconciler::new(gossip, catalog.clone(), raft, Autopilot::default());
        tasks.spawn("reconciler", reconciler.run(shutdown.clone()));
    }
}

fn member(config: &RuntimeConfig, id: Uuid, gossip_port: u16) -> Member {
    let server = config.cluster.server;
    let build = format!("{}:{}", crate::cli::CONSUL_VERSION, crate::cli::VERSION);
    Member {
        name: config.node.name.clone(),
        id,
        address: config.network.advertise,
        gossip_port,
        rpc_port: config.network.server_port,
        role: if server { Role::Server } else { Role::Client },
        datacenter: config.node.datacenter.clone(),
        bootstrap_expect: if server { config.cluster.expect } else { 0 },
        raft_id: if server { options::raft(config, id).node_id } else { 0 },
        tags: [("build".to_owned(), build)].into(),
    }
}

/// A port that an address says may be the one for calls: gossip is looked for at its usual port too.
fn places(address: &JoinAddress, usual: u16) -> Vec<String> {
    let at = |port: u16| JoinAddress { port: Some(port), ..address.clone() }.to_string();
    let mut places: Vec<String> = address.port.into_iter().chain([usual]).map(at).collect();
    places.dedup();
    places
}
