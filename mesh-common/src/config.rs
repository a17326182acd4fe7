use crate::{Action, Doors};

/// What the programs know of their agent: the one value of the map `cfg`. All zero, as before the
/// agent's first word, it denies and redirects nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Config {
    /// When the agent last said that it lives, in nanoseconds of `CLOCK_MONOTONIC`.
    pub heartbeat: u64,
    /// How old the heartbeat may be, in nanoseconds, before the agent counts as dead.
    pub heartbeat_limit: u64,
    /// How old it may be before names are no longer asked of the agent: nobody is refused for want of it.
    pub names_limit: u64,
    /// The cookie of the network namespace that the agent listens in.
    pub namespace: u64,
    /// The cgroup whose processes are the agent; 0 for none.
    pub agent_cgroup: u64,
    /// The process that is the agent (its thread group id); 0 for none.
    pub agent_process: u32,
    /// An [`Action`] as a number.
    pub default_action: u32,
    /// Where it listens in that namespace. For others there is the map `doors`.
    pub doors: Doors,
    /// A sum of the constants below.
    pub flags: u64,
}

impl Config {
    /// A service of this host is strict: who may reach it has to be let in.
    pub const GUARD: u64 = 1;

    #[inline(always)]
    #[must_use]
    pub const fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    #[inline(always)]
    #[must_use]
    pub const fn default_action(&self) -> Action {
        Action::from_raw(self.default_action)
    }

    /// Whether the agent has spoken recently enough at `now` (nanoseconds of `CLOCK_MONOTONIC`).
    #[inline(always)]
    #[must_use]
    pub const fn agent_is_alive(&self, now: u64) -> bool {
        now.saturating_sub(self.heartbeat) <= self.heartbeat_limit
    }

    /// Whether the agent has spoken recently enough at `now` to be asked for names.
    #[inline(always)]
    #[must_use]
    pub const fn knows_names(&self, now: u64) -> bool {
        now.saturating_sub(self.heartbeat) <= self.names_limit
    }

    /// Whether a caller is the agent itself.
    #[inline(always)]
    #[must_use]
    pub const fn is_agent(&self, process: u32, cgroup: u64) -> bool {
        (self.agent_process != 0 && self.agent_process == process)
            || (self.agent_cgroup != 0 && self.agent_cgroup == cgroup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn its_layout_is_fixed() {
        assert_eq!((size_of::<Config>(), align_of::<Config>()), (64, 8));
        let offsets = (
            offset_of!(Config, namespace),
            offset_of!(Config, agent_process),
            offset_of!(Config, default_action),
            offset_of!(Config, doors),
            offset_of!(Config, flags),
        );
        assert_eq!(offsets, (24, 40, 44, 48, 56));
    }

    #[test]
    fn an_agent_that_never_spoke_is_dead_and_denies() {
        let silent = Config::default();
        assert!(!silent.agent_is_alive(1));
        assert_eq!(silent.default_action(), Action::Deny);
        assert!(!silent.is_agent(0, 0), "no process is the agent of nobody");
    }

    #[test]
    fn an_agent_lives_for_as_long_as_its_heartbeat_may_be_old() {
        let config = Config { heartbeat: 100, heartbeat_limit: 10, names_limit: 3, ..Config::default() };
        for (now, alive, knows) in
            [(90, true, true), (103, true, true), (104, true, false), (110, true, false), (111, false, false)]
        {
            assert_eq!((config.agent_is_alive(now), config.knows_names(now)), (alive, knows), "{now}");
        }
    }
}
