use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

/// What a network does to datagrams.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Of a hundred.
    pub lost: u32,
    /// Of a hundred.
    pub doubled: u32,
    pub delay: Range<Duration>,
    /// Nothing gets from these to the others.
    pub cut_out: BTreeSet<SocketAddr>,
    /// Nothing gets from the others to these.
    pub cut_in: BTreeSet<SocketAddr>,
}

impl Default for Faults {
    fn default() -> Self {
        let delay = Duration::from_micros(200)..Duration::from_micros(900);
        Self { lost: 0, doubled: 0, delay, cut_out: BTreeSet::new(), cut_in: BTreeSet::new() }
    }
}

impl Faults {
    /// These on one side, all others on the other.
    pub fn partition(&mut self, side: impl IntoIterator<Item = SocketAddr>) {
        self.cut_out = side.into_iter().collect();
        self.cut_in = self.cut_out.clone();
    }

    pub fn heal(&mut self) {
        self.cut_out.clear();
        self.cut_in.clear();
    }

    /// After how long a datagram arrives, as often as it does.
    pub fn route(&self, rng: &mut StdRng, from: SocketAddr, to: SocketAddr) -> Vec<Duration> {
        let out = self.cut_out.contains(&from) && !self.cut_out.contains(&to);
        let into = self.cut_in.contains(&to) && !self.cut_in.contains(&from);
        if out || into || rng.random_range(0..100) < self.lost {
            return Vec::new();
        }
        let copies = if rng.random_range(0..100) < self.doubled { 2 } else { 1 };
        (0..copies).map(|_| rng.random_range(self.delay.clone())).collect()
    }
}
