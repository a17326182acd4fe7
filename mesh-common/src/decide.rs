//! The intention ladder.

/// What the kernel's maps call a service. Numbers of services start at 1.
pub type ServiceNumber = u32;

/// The wildcard of a rule. As the number of a service it means one that no rule names: only wildcards
/// cover it.
pub const ANY: ServiceNumber = 0;

/// What an intention says, as the kernel's maps hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    Deny = 0,
    Allow = 1,
}

impl Action {
    /// Reads a map's value; everything that is not an allow is a deny.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Self {
        if raw == Self::Allow as u32 { Self::Allow } else { Self::Deny }
    }
}

/// The rule that governs a connection: the most specific of those that exist, and the destination's
/// word before the source's. That is the order of Consul's precedences 9, 8, 6 and 5.
#[inline(always)]
pub fn most_specific<T>(
    source: ServiceNumber,
    destination: ServiceNumber,
    look_up: impl Fn(ServiceNumber, ServiceNumber) -> Option<T>,
) -> Option<T> {
    look_up(source, destination)
        .or_else(|| look_up(ANY, destination))
        .or_else(|| look_up(source, ANY))
        .or_else(|| look_up(ANY, ANY))
}

/// Whether `source` may connect to `destination`: what the governing rule says, else the default.
#[inline(always)]
pub fn decide(
    source: ServiceNumber,
    destination: ServiceNumber,
    default: Action,
    look_up: impl Fn(ServiceNumber, ServiceNumber) -> Option<Action>,
) -> Action {
    most_specific(source, destination, look_up).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_no_agent_wrote_is_a_deny() {
        for raw in [0, 2, 7, u32::MAX] {
            assert_eq!(Action::from_raw(raw), Action::Deny, "{raw}");
        }
        assert_eq!(Action::from_raw(1), Action::Allow);
    }

    #[test]
    fn without_a_rule_the_default_decides() {
        for default in [Action::Allow, Action::Deny] {
            assert_eq!(decide(1, 2, default, |_, _| None), default);
        }
    }

    #[test]
    fn a_service_that_no_rule_names_is_covered_by_wildcards_only() {
        let rules = |s, d| match (s, d) {
            (1, 2) => Some(Action::Allow),
            (ANY, ANY) => Some(Action::Deny),
            _ => None,
        };
        assert_eq!(decide(1, 2, Action::Allow, rules), Action::Allow);
        assert_eq!(decide(ANY, 2, Action::Allow, rules), Action::Deny);
        assert_eq!(decide(1, ANY, Action::Allow, rules), Action::Deny);
    }
}
