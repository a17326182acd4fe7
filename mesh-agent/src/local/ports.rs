use super::LocalError;
use crate::model::ServiceId;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The lowest port of `range` that no registration has. The one that the proxy had before is kept.
pub(super) fn choose(
    service: &ServiceId,
    range: &RangeInclusive<u16>,
    before: Option<u16>,
    taken: &BTreeSet<u16>,
) -> Result<u16, LocalError> {
    let free = |port: &u16| !taken.contains(port);
    before
        .filter(|port| range.contains(port) && free(port))
        .or_else(|| range.clone().find(free))
        .ok_or_else(|| LocalError::NoPort { service: service.clone(), range: range.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;

    #[test]
    fn a_proxy_keeps_its_port_and_a_new_one_gets_the_lowest_free() {
        let id = ServiceId::from(&ServiceName::new("web").unwrap());
        let taken = BTreeSet::from([21000, 21001]);
        let choose = |before| choose(&id, &(21000..=21003), before, &taken);
        assert_eq!(choose(None).unwrap(), 21002);
        assert_eq!(choose(Some(21003)).unwrap(), 21003);
        assert_eq!(choose(Some(21000)).unwrap(), 21002);
        assert_eq!(choose(Some(80)).unwrap(), 21002);
    }

    #[test]
    fn a_full_range_is_an_error_that_names_it() {
        let id = ServiceId::from(&ServiceName::new("web").unwrap());
        let error = choose(&id, &(21000..=21000), None, &BTreeSet::from([21000])).unwrap_err();
        assert!(error.to_string().contains("21000..=21000"), "{error}");
    }
}
