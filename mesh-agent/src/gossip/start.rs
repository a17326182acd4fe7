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
    /// Join those that were known before, even if this agent left of its own will.
    pub rejoin_after_leave: bool,
    pub tuning: Tuning,
}

/// Where other agents listen that do not say.
pub const DEFAULT_PORT: u16 = 8301;
/// And servers, for those of other datacenters.
pub const DEFAULT_WAN_PORT: u16 = 8302;

impl Membership {
    /// Listens, and joins those that were known before.
    ///
    /// # Errors
    /// The port is taken, or the kept keyring is damaged.
    pub fn start(mut self, tasks: &mut TaskGroup, shutdown: &Shutdown) -> Result<Gossip, GossipError> {
        let bind = SocketAddr::new(self.bind, self.member.gossip_port);
        let transport = UdpTransport::bind(bind)?;
        let bound = transport.local_address().map_err(|source| GossipError::Bind { bind, source })?;
        self.member.gossip_port = bound.port();
        let (driver, gossip, before) = self.driver(transport)?;
        let default_port = if self.tuning.across_datacenters { DEFAULT_WAN_PORT } else { DEFAULT_PORT };
        tasks.spawn("gossip", driver.run(shutdown.clone()));
        tasks.spawn("joining again", join_again(before, default_port, gossip.clone(), shutdown.clone()));
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
}

/// Those that were there when this agent last ran, once.
async fn join_again(addresses: Vec<String>, default_port: u16, gossip: Gossip, shutdown: Shutdown) {
    if addresses.is_empty() {
        return;
    }
    let once = RetryJoin { addresses, default_port, interval: Duration::ZERO, most: 1 };
    if once.run(gossip, shutdown).await.is_err() {
        tracing::warn!("none of those that were known before answers; see -retry-join and `mesh join`");
    }
}
