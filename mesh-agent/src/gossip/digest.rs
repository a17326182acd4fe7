use super::peer::Peer;
use foca::{Member, State};

/// A short sum of what an agent knows of all members: where two agents' sums differ, they tell each other.
///
/// Members are in buckets by address. Incarnations and suspicions are left out: they pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest(pub [u64; BUCKETS]);

pub(super) const BUCKETS: usize = 64;

impl Digest {
    pub fn of<'m>(members: impl Iterator<Item = &'m Member<Peer>>) -> Self {
        let mut sums = [0; BUCKETS];
        for member in members {
            let down = u32::from(member.state() == State::Down);
            sums[bucket(member.id())] ^= member.id().fingerprint().rotate_left(down);
        }
        Self(sums)
    }

    /// Bit `n`: bucket `n` differs.
    pub fn differing(&self, other: &Self) -> u64 {
        let differs = |index: usize| u64::from(self.0[index] != other.0[index]) << index;
        (0..BUCKETS).map(differs).sum()
    }
}

/// The same on every node.
pub(super) fn bucket(peer: &Peer) -> usize {
    let address = peer.address();
    let sum = match address.ip() {
        std::net::IpAddr::V4(ip) => crc32c::crc32c(&ip.octets()),
        std::net::IpAddr::V6(ip) => crc32c::crc32c(&ip.octets()),
    };
    crc32c::crc32c_append(sum, &address.port().to_be_bytes()) as usize % BUCKETS
}
