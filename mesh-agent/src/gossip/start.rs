use super::{
    Driver, Gossip, GossipError, GossipKey, GossipOptions, Keyring, KeyringFile, Member, RetryJoin,
    Snapshots, Transport, Tuning, UdpTransport,
};
use crate::clock::Clock;
use crate::task::{Shutdown, TaskGroup};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// All that an agent says of how it is to be a member.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Port 0 lets the system choose.
    pub member: Member,
    pub bind: IpAddr,
    /// Counts where no keyring is kept yet.
    pub key: GossipKey,
    pub data_dir: Option<PathBuf>,
    /// Tried once.
    pub join: Vec<String>,
    /// Tried until somebody answers.
    pub retry_join: Vec<String>,
    pub retry_interval: Duration,
    /// 0 for no limit.
    pub retry_max: u32,
    /// Join those that were known before, even if this agent left of its own will.
    pub rejoin_after_leave: bool,
    pub tuning: Tuning,
}

/// Where other agents listen that do not say.
pub const DEFAULT_PORT: u16 = 8301;
/// And servers, for those of other datacenters.
pub const DEFAULT_WAN_PORT: u16 = 8302;

impl Membership {
    /// Listens, and begins to join.
    ///
    /// # Errors
    /// The port is taken, or the kept keyring is damaged.
    pub fn start(mut self, tasks: &mut TaskGroup, shutdown: &Shutdown) -> Result<Gossip, GossipError> {
        let bind = SocketAddr::new(self.bind, self.member.gossip_port);
        let transport = UdpTransport::bind(bind)?;
        let bound = transport.local_address().map_err(|source| GossipError::Bind { bind, source })?;
        self.member.gossip_port = bound.port();
        let (driver, gossip, before) = self.driver(transport)?;
        tasks.spawn("gossip", driver.run(shutdown.clone()));
        tasks.spawn("joining", self.join(before, gossip.clone(), shutdown.clone()));
        Ok(gossip)
    }

    /// And where other members were when the agent last ran.
    fn driver<T: Transport>(&self, transport: T) -> Result<(Driver<T>, Gossip, Vec<String>), GossipError> {
        let place = |name: &str| self.data_dir.as_ref().map(|directory| directory.join("serf").join(name));
        // Serf's names, so that a server's two pools keep theirs apart.
        let pool = if self.tuning.across_datacenters { "remote" } else { "local" };
        let keyring_file = KeyringFile::new(place(&format!("{pool}.keyring")));
        let snapshots = Snapshots::new(place(&format!("{pool}.snapshot")));
        let before = snapshots.load();
        let others = before.members.iter().filter(|address| **address != self.member.gossip());
        let others: Vec<String> = others.map(ToString::to_string).collect();
        let comes_back = !before.left || self.rejoin_after_leave;
        let options = GossipOptions {
            member: self.member.clone(),
            keyring: self.keyring(&keyring_file)?,
            keyring_file,
            snapshots,
            tuning: self.tuning.clone(),
            clock: Clock::System,
            seed: rand::random(),
        };
        let (driver, gossip) = Driver::new(options, transport)?;
        Ok((driver, gossip, if comes_back { others } else { Vec::new() }))
    }

    /// What is kept counts: keys may have been rotated since the configuration was written.
    fn keyring(&self, file: &KeyringFile) -> Result<Keyring, GossipError> {
        if let Some(kept) = file.load()? {
            if !kept.keys().contains(&self.key) {
                tracing::warn!("the configured gossip key is not in the keyring that is kept, which counts");
            }
            return Ok(kept);
        }
        let keyring = Keyring::new(self.key.clone());
        file.save(&keyring)?;
        Ok(keyring)
    }

    async fn join(self, before: Vec<String>, gossip: Gossip, shutdown: Shutdown) {
        let once = self.retry(before.into_iter().chain(self.join.clone()).collect(), 1);
        let always = self.retry(self.retry_join.clone(), self.retry_max);
        futures_util::join!(
            try_to_join(once, gossip.clone(), shutdown.clone()),
            try_to_join(always, gossip, shutdown)
        );
    }

    fn retry(&self, addresses: Vec<String>, most: u32) -> RetryJoin {
        let default_port = if self.tuning.across_datacenters { DEFAULT_WAN_PORT } else { DEFAULT_PORT };
        RetryJoin { addresses, default_port, interval: self.retry_interval, most }
    }
}

async fn try_to_join(retry: RetryJoin, gossip: Gossip, shutdown: Shutdown) {
    if retry.addresses.is_empty() {
        return;
    }
    if retry.run(gossip, shutdown).await.is_err() {
        tracing::error!("nobody could be joined: others may still join this agent, see `mesh join`");
    }
}
