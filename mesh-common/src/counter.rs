/// What the programs count, an index each into the per-CPU array `counters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Counter {
    /// TCP connects looked at.
    Seen = 0,
    /// Connects sent to leg F.
    Redirected,
    /// Connects sent straight to a server on this host.
    Local,
    /// Connects that an intention, or its absence, forbids.
    Denied,
    /// Connects refused because the socket's maker and its user are not one service.
    Borrowed,
    /// Connects to a virtual address by a process of no service.
    Strangers,
    /// Connects refused because the agent is dead or does not listen in the caller's network namespace.
    Unserved,
    /// Connections of a local pair that went back from `sk_msg` to TCP for good.
    FallenBack,
    /// Open connections cut because an intention changed.
    Cut,
    /// Packets around the mesh that a strict service refused.
    StrictRefused,
    /// Original destinations told to leg F.
    Told,
    /// Messages that `sk_msg` moved.
    Moved,
    /// Questions for names, or connections for them, that were sent to the agent.
    Names,
    /// Connects let go by themselves, without TLS, because no agent is there and the service would rather have that.
    Opened,
    /// Something did not fit into a map, and the connection was refused for it.
    Full,
}

impl Counter {
    pub const COUNT: u32 = 15;

    pub const ALL: [Self; Self::COUNT as usize] = [
        Self::Seen,
        Self::Redirected,
        Self::Local,
        Self::Denied,
        Self::Borrowed,
        Self::Strangers,
        Self::Unserved,
        Self::FallenBack,
        Self::Cut,
        Self::StrictRefused,
        Self::Told,
        Self::Moved,
        Self::Names,
        Self::Opened,
        Self::Full,
    ];

    /// As status and metrics call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Redirected => "redirected",
            Self::Local => "local",
            Self::Denied => "denied",
            Self::Borrowed => "borrowed",
            Self::Strangers => "strangers",
            Self::Unserved => "unserved",
            Self::FallenBack => "fallen_back",
            Self::Cut => "cut",
            Self::StrictRefused => "strict_refused",
            Self::Told => "told",
            Self::Moved => "moved",
            Self::Names => "names",
            Self::Opened => "opened",
            Self::Full => "full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_own_index() {
        for (index, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, index, "{}", counter.name());
        }
    }
}
