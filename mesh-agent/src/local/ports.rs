use super::LocalError;
use crate::model::ServiceId;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What bears on the choice of a proxy's port.
#[derive(Debug, Default)]
pub(super) struct PortsInUse {
    /// The port that this proxy had before, maybe in an earlier life of the agent.
    pub before: Option<u16>,
    /// The ports of other registrations.
    pub taken: BTreeSet<u16>,
    /// The ports that other proxies had before and may come back to.
    pub promised: BTreeSet<u16>,
}

/// The port that the proxy had before, else the lowest of `range` that nobody has or had.
pub(super) fn choose(
    service: &ServiceId,
    range: &RangeInclusive<u16>,
    ports: &PortsInUse,
) -> Result<u16, LocalError> {
    let free = |port: &u16| !ports.taken.contains(port);
    let before = ports.before.filter(|port| range.contains(port) && free(port));
    before
        .or_else(|| range.clone().find(|port| free(port) && !ports.promised.contains(port)))
        .or_else(|| range.clone().find(free))
        .ok_or_else(|| LocalError::NoPort { service: service.clone(), range: range.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;

    fn web() -> ServiceId {
        ServiceId::from(&ServiceName::new("web").unwrap())
    }

    #[test]
    fn a_proxy_keeps_its_port_and_a_new_one_gets_the_lowest_free() {
        let table = [
            (None, 21003),
            (Some(21004), 21004),
            (Some(21002), 21002),
            (Some(21000), 21003),
            (Some(80), 21003),
        ];
        for (before, expected) in table {
            let ports = PortsInUse { before, taken: [21000, 21001].into(), promised: [21002].into() };
            assert_eq!(choose(&web(), &(21000..=21004), &ports).unwrap(), expected, "{before:?}");
        }
    }

    #[test]
    fn a_promise_is_broken_before_a_registration_is_refused() {
        let ports = PortsInUse { promised: [21000].into(), ..PortsInUse::default() };
        assert_eq!(choose(&web(), &(21000..=21000), &ports).unwrap(), 21000);
    }

    #[test]
    fn a_full_range_is_an_error_that_names_it() {
        let ports = PortsInUse { taken: [21000].into(), ..PortsInUse::default() };
        let error = choose(&web(), &(21000..=21000), &ports).unwrap_err();
        assert!(error.to_string().contains("21000..=21000"), "{error}");
    }
}
