use super::peer::Peer;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What is to be done when its time has come.
#[derive(Clone, Debug)]
pub(super) enum Due {
    Foca(foca::Timer<Peer>),
    /// Compare with a random member.
    Exchange,
    /// Ask one that failed.
    Reconnect,
    /// See whether the list of members has changed.
    Review,
    /// A join that is not answered yet.
    Join(u64),
    /// A keyring operation that not all have carried out yet.
    Operation(u64),
    /// Somebody else believes that this member is dead, and it has not contradicted.
    Doubt(Peer),
    /// The next farewell.
    Farewell(u32),
    /// Tell a member again that it is believed dead.
    Warn(SocketAddr, Peer),
}

/// What is to be done, by time; what falls on the same moment is done in the order of its coming.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<(Duration, u64), Due>,
    serial: u64,
}

impl Timers {
    pub fn add(&mut self, at: Duration, what: Due) {
        self.serial += 1;
        self.due.insert((at, self.serial), what);
    }

    pub fn next(&self) -> Option<Duration> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    pub fn pop(&mut self, now: Duration) -> Option<Due> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}
