use super::config::{JoinAddress, RuntimeConfig};
use super::control::Control;
use super::error::StartError;
use super::flooding::{self, Flooding};
use super::surveys::Surveys;
use super::{options, trust};
use crate::catalog::Catalog;
use crate::gossip::{
    DEFAULT_WAN_PORT, Gossip, GossipError, GossipKey, Member, Membership, RetryJoin, Role, Tuning,
};
use crate::leader::{Reconciler, Voters};
use crate::model::NodeName;
use crate::peer::Federation;
use crate::pki::cluster::JoinSecret;
use crate::task::{Shutdown, TaskGroup};
use std::sync::Arc;
use uuid::Uuid;

/// The lists of members that this node is in: none in development.
#[derive(Default)]
pub(super) struct Pools {
    /// Those of this datacenter.
    pub lan: Option<Gossip>,
    /// The servers of all datacenters, on a server.
    pub wan: Option<Gossip>,
}

impl Pools {
    /// Takes part, and joins whom the configuration names.
    ///
    /// # Errors
    /// A port is taken, a kept keyring is damaged, or none of those answers that are asked once.
    pub async fn start(
        config: &RuntimeConfig,
        id: Uuid,
        control: &Control,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let Some(secret) = trust::join_secret(config)? else { return Ok(Self::default()) };
        let wan = match config.network.serf_wan_port {
            Some(port) if config.cluster.server => {
                Some(across(config, id, port, &secret)?.start(tasks, shutdown)?)
            }
            _ => None,
        };
        let lan = match config.network.serf_lan_port {
            Some(port) => Some(within(config, id, port, &secret, wan.as_ref()).start(tasks, shutdown)?),
            None if config.cluster.server && config.cluster.expect == 1 => None,
            None => return Err(StartError::NoGossip),
        };
        let pools = Self { lan, wan };
        pools.join(config, control, tasks, shutdown).await?;
        Ok(pools)
    }

    async fn join(
        &self,
        config: &RuntimeConfig,
        control: &Control,
        tasks: &mut TaskGroup,
        shutdown: &Shutdown,
    ) -> Result<(), StartError> {
        if let Some(wan) = &self.wan {
            retry_across(config, wan, tasks, shutdown);
        }
        if let (Some(lan), Some(wan)) = (&self.lan, &self.wan) {
            let flooding = Flooding { lan: lan.clone(), wan: wan.clone() };
            tasks.spawn("flooding", flooding.run(shutdown.clone()));
        }
        if let (Some(lan), Some(port)) = (&self.lan, config.network.serf_lan_port) {
            retry_within(config, (lan, port), control, tasks, shutdown);
            join_once(config, lan, port).await?;
        }
        Ok(())
    }

    /// From now on the servers of other datacenters can be called.
    pub fn open(&self, federation: Option<&Arc<Federation>>) {
        if let (Some(wan), Some(federation)) = (&self.wan, federation) {
            federation.open(wan.clone());
        }
    }
}

async fn join_once(config: &RuntimeConfig, lan: &Gossip, port: u16) -> Result<(), StartError> {
    let addresses = texts(&config.cluster.join);
    if addresses.is_empty() {
        return Ok(());
    }
    let joined = lan.join(&addresses, port).await.outcome();
    let joined = joined.map_err(|failed| StartError::Join { reason: reasons(&failed) })?;
    tracing::info!(members = ?joined.joined, "joined");
    Ok(())
}

/// Ends the agent where it has tried for long enough.
fn retry_within(
    config: &RuntimeConfig,
    (lan, default_port): (&Gossip, u16),
    control: &Control,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) {
    let (addresses, interval) = (texts(&config.cluster.retry_join), config.cluster.retry_interval);
    if addresses.is_empty() {
        return;
    }
    let most = config.cluster.retry_max;
    let retry = RetryJoin { addresses, default_port, interval, most };
    let (lan, control, shutdown) = (lan.clone(), control.clone(), shutdown.clone());
    tasks.spawn("retry-join", async move {
        if let Err(failed) = retry.run(lan, shutdown).await {
            control.end(format!("nobody could be joined in {most} attempts: {}", reasons(&failed))).await;
        }
    });
}

fn retry_across(config: &RuntimeConfig, wan: &Gossip, tasks: &mut TaskGroup, shutdown: &Shutdown) {
    let federation = &config.cluster.federation;
    let (addresses, interval) = (texts(&federation.join), federation.retry_interval);
    if addresses.is_empty() {
        return;
    }
    let retry = RetryJoin { addresses, default_port: DEFAULT_WAN_PORT, interval, most: 0 };
    let (wan, shutdown) = (wan.clone(), shutdown.clone());
    tasks.spawn("retry-join-wan", async move {
        // Without a limit it ends when somebody answers, or at shutdown.
        let _ = retry.run(wan, shutdown).await;
    });
}

fn texts(addresses: &[JoinAddress]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

fn reasons(failed: &[GossipError]) -> String {
    failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
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
        rejoin_after_leave: config.cluster.rejoin_after_leave,
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
    Ok(Membership {
        member: Member { name, address: config.network.advertise_wan, ..member },
        bind: config.network.bind,
        key: GossipKey::from(secret.gossip_key()),
        data_dir: config.data_dir.clone(),
        rejoin_after_leave: config.cluster.rejoin_after_leave,
        tuning: Tuning::wan(),
    })
}

/// Tells the catalog where this node stands among the members; and, where it is a server, has the catalog and the
/// voters follow the members while it leads.
pub(super) fn tend(
    config: &RuntimeConfig,
    gossip: Option<&Gossip>,
    voters: Option<Arc<dyn Voters>>,
    catalog: &Catalog,
    tasks: &mut TaskGroup,
    shutdown: &Shutdown,
) {
    let Some(gossip) = gossip.cloned() else { return };
    if let Some(voters) = voters {
        let autopilot = config.cluster.autopilot.clone();
        let reconciler = Reconciler::new(&gossip, catalog.clone(), voters, autopilot);
        tasks.spawn("reconciler", reconciler.run(shutdown.clone()));
    }
    let surveys = Surveys { gossip, catalog: catalog.clone(), node: config.node.name.clone() };
    tasks.spawn("coordinates", surveys.run(shutdown.clone()));
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
