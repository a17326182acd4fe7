use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

/// How often members ask after each other, and how long they wait. The defaults are Consul's for one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// One member is asked in each.
    pub probe_interval: Duration,
    /// After which others are asked to ask it.
    pub probe_timeout: Duration,
    /// How many of them.
    pub indirect_probes: usize,
    /// Scales how long a suspected member has to contradict.
    pub suspicion_mult: u32,
    /// News are sent so often,
    pub gossip_interval: Duration,
    /// to so many,
    pub gossip_nodes: usize,
    /// and as many times as this and the number of members make.
    pub retransmit_mult: u32,
    /// How often what two members know is compared.
    pub exchange_interval: Duration,
    /// How often one of those that failed is asked whether it is back.
    pub reconnect_interval: Duration,
    /// How long one that failed is remembered.
    pub reconnect_timeout: Duration,
    /// How long one that left is.
    pub tombstone_timeout: Duration,
    pub most_members: usize,
    /// One pool for the servers of several datacenters.
    pub across_datacenters: bool,
}

/// No datagram is larger, so that none has to be cut on its way.
pub(super) const MOST_DATAGRAM: usize = 1400;

impl Default for Tuning {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            indirect_probes: 3,
            suspicion_mult: 4,
            gossip_interval: Duration::from_millis(200),
            gossip_nodes: 3,
            retransmit_mult: 4,
            exchange_interval: Duration::from_secs(15),
            reconnect_interval: Duration::from_secs(10),
            reconnect_timeout: Duration::from_secs(72 * 3600),
            tombstone_timeout: Duration::from_secs(24 * 3600),
            most_members: 10_000,
            across_datacenters: false,
        }
    }
}

impl Tuning {
    /// Consul's for networks that lie far apart.
    pub fn wan() -> Self {
        Self {
            probe_interval: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(3),
            suspicion_mult: 6,
            gossip_interval: Duration::from_millis(500),
            gossip_nodes: 4,
            exchange_interval: Duration::from_secs(60),
            across_datacenters: true,
            ..Self::default()
        }
    }

    /// For a cluster of so many members, of datagrams with so much room.
    pub(super) fn foca(&self, members: usize, room: usize) -> foca::Config {
        let some = |count: usize| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        foca::Config {
            probe_period: self.probe_interval,
            probe_rtt: self.probe_timeout,
            num_indirect_probes: some(self.indirect_probes),
            max_transmissions: self.transmissions(members),
            suspect_to_down_after: self.suspicion(members),
            remove_down_after: Some(self.reconnect_timeout),
            max_packet_size: some(room),
            notify_down_members: true,
            // Comparing what is known, and asking those that failed, are the engine's: foca's own would stop
            // when all others have failed, and tell a part of the members only.
            periodic_announce: None,
            periodic_announce_to_down_members: None,
            periodic_gossip: Some(foca::PeriodicParams {
                frequency: self.gossip_interval,
                num_members: some(self.gossip_nodes),
            }),
        }
    }

    /// How long a suspected member has, which grows with the time that news take.
    pub(super) fn suspicion(&self, members: usize) -> Duration {
        let scale = decimal_digits(members.max(10) - 1);
        self.probe_interval * self.suspicion_mult * scale
    }

    fn transmissions(&self, members: usize) -> NonZeroU8 {
        let count = self.retransmit_mult.saturating_mul(decimal_digits(members));
        NonZeroU8::new(u8::try_from(count).unwrap_or(u8::MAX)).unwrap_or(NonZeroU8::MIN)
    }
}

/// 1 up to 9, 2 up to 99, 3 up to 999.
fn decimal_digits(count: usize) -> u32 {
    count.max(1).ilog10() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_the_logarithm_of_the_members() {
        let tuning = Tuning::default();
        let table = [(1, 4, 4), (3, 4, 4), (10, 4, 8), (100, 8, 12), (1000, 12, 16)];
        for (members, seconds, transmissions) in table {
            assert_eq!(tuning.suspicion(members).as_secs(), seconds, "{members}");
            assert_eq!(tuning.transmissions(members).get(), transmissions, "{members}");
        }
    }
}
