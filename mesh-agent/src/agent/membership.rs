use super::config::{JoinAddress, RuntimeConfig};
use super::error::StartError;
use super::flooding::{self, Flooding};
use super::{options, trust};
use crate::catalog::Catalog;
use crate::gossip::{Gossip, GossipKey, Member, Membership, Role, Tuning};
use crate::leader::{Autopilot, Reconciler};
use crate::model::NodeName;
use crate::peer::Federation;
use crate::pki::cluster::JoinSecret;
use crate::raft::RaftNode;
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use uuid::Uuid;

/// The lists of members that this node is in: none in development, or where nothing is shared to seal with.
#[derive(Default)]
pub(super) struct Pools {
    /// Those of this datacenter.
    pub lan: Option<Gossip>,
    /// The servers of all datacenters, on a server.
    pub wan: Option<Gossip>,
}

impl Pools {
    /// # Errors
    /// A port is taken, or a kept keyring is damaged.
    pub fn start(
        config: &RuntimeConfig,
        id: Uuid,
        federation: Option<&Arc<Federation>>,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let Some(secret) = trust::join_secret(config)? else { return Ok(Self::default()) };
        let wan = match (config.network.serf_wan_port, federation) {
            (Some(port), Some(_)) => Some(across(config, id, port, &secret)?.start(tasks, shutdown)?),
            _ => None,
        };
        let lan = match config.network.serf_lan_port {
            Some(port) => Some(within(config, id, port, &secret, wan.as_ref()).start(tasks, shutdown)?),
            None => None,
        };
        if let (Some(wan), Some(federation)) = (&wan, federation) {
            federation.open(wan.clone());
        }
        if let (Some(lan), Some(wan)) = (&lan, &wan) {
            let flooding = Flooding { lan: lan.clone(), wan: wan.clone() };
            tasks.spawn("flooding", flooding.run(shutdown.clone()));
        }
        Ok(Self { lan, wan })
    }
}

fn within(
    config: &RuntimeConfig,
    id: Uuid,
    port: u16,
    secret: &JoinSecret,
    wan: Option<&Gossip>,
) -> Membership {
    let mut member = member(config, id, port);
    let port_across = wan.and_then(|wan| wan.members().iter().next().map(|own| own.member.gossip_port));
    if let Some(port) = port_across {
        member.tags.insert(flooding::PORT_TAG.to_owned(), port.to_string());
    }
    Membership {
        member,
        bind: config.network.bind,
        key: GossipKey::from(secret.gossip_key()),
        data_dir: config.data_dir.clone(),
        join: Vec::new(),
        retry_join: config.cluster.join.iter().flat_map(|address| places(address, port)).collect(),
        retry_interval: config.cluster.retry_interval,
        retry_max: 0,
        rejoin_after_leave: false,
        tuning: Tuning::default(),
    }
}

/// As a server of all datacenters, where its name says of which it is.
fn across(
    config: &RuntimeConfig,
    id: Uuid,
    port: u16,
    secret: &JoinSecret,
) -> Result<Membership, StartError> {
    let member = member(config, id, port);
    let name = NodeName::new(&flooding::wan_name(&member))?;
    let federation = &config.cluster.federation;
    Ok(Membership {
        member: Member { name, address: config.network.advertise_wan, ..member },
        bind: config.network.bind,
        key: GossipKey::from(secret.gossip_key()),
        data_dir: config.data_dir.clone(),
        join: Vec::new(),
        retry_join: federation.join.iter().map(ToString::to_string).collect(),
        retry_interval: federation.retry_interval,
        retry_max: 0,
        rejoin_after_leave: false,
        tuning: Tuning::wan(),
    })
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
