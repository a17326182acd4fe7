//! How the parts of the mesh are called in a zone.

use hickory_proto::rr::Name;
use std::net::IpAddr;

/// A name under `zone`. `None` if it does not fit DNS: a label over 63 bytes, a name over 255.
pub(super) fn under<'a>(zone: &Name, labels: impl IntoIterator<Item = &'a str>) -> Option<Name> {
    let labels = labels.into_iter().flat_map(|l| l.split('.')).map(str::as_bytes);
    Name::from_labels(labels.chain(zone.iter())).ok()
}

/// `<node>.node.<datacenter>.<zone>`
pub(super) fn node(zone: &Name, node: &str, datacenter: &str) -> Option<Name> {
    under(zone, [node, "node", datacenter])
}

/// `<hex>.addr.<datacenter>.<zone>`, the name of an address that no node has.
pub(super) fn address(zone: &Name, address: IpAddr, datacenter: &str) -> Option<Name> {
    let hex = match address {
        IpAddr::V4(v4) => format!("{:08x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()),
    };
    under(zone, [&hex, "addr", datacenter])
}

/// Reads the hex of [`address`].
pub(super) fn parse_address(hex: &str) -> Option<IpAddr> {
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    match hex.len() {
        8 => u32::from_str_radix(hex, 16).ok().map(|bits| IpAddr::V4(bits.into())),
        32 => u128::from_str_radix(hex, 16).ok().map(|bits| IpAddr::V6(bits.into())),
        _ => None,
    }
}

/// Reads a full reverse name, such as `1.0.0.127.in-addr.arpa`.
pub(super) fn parse_reverse(name: &Name) -> Option<IpAddr> {
    let net = name.parse_arpa_name().ok()?;
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn an_address_reads_back_from_its_name() {
        for text in ["127.0.0.1", "255.0.0.0", "::1", "2001:db8::ff"] {
            let ip: IpAddr = text.parse().unwrap();
            let name = address(&Name::from_str("consul.").unwrap(), ip, "dc1").unwrap();
            let hex = String::from_utf8(name.iter().next().unwrap().to_vec()).unwrap();
            assert_eq!(parse_address(&hex), Some(ip));
        }
        for bad in ["", "7f0000", "7f00000g", "+7f00001", "7f000001aa"] {
            assert_eq!(parse_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_whole_reverse_names_are_addresses() {
        let reverse = |text: &str| parse_reverse(&Name::from_str(text).unwrap());
        assert_eq!(reverse("4.3.2.1.in-addr.arpa."), Some([1, 2, 3, 4].into()));
        assert_eq!(
            reverse(&Name::from(std::net::Ipv6Addr::LOCALHOST).to_string()),
            Some("::1".parse().unwrap())
        );
        for partial in
            ["3.2.1.in-addr.arpa.", "5.4.3.2.1.in-addr.arpa.", "256.3.2.1.in-addr.arpa.", "ip6.arpa."]
        {
            assert_eq!(reverse(partial), None, "{partial}");
        }
    }

    #[test]
    fn a_name_that_does_not_fit_dns_is_left_out() {
        let zone = Name::from_str("consul.").unwrap();
        assert!(node(&zone, &"x".repeat(64), "dc1").is_none());
        assert_eq!(node(&zone, "a.b", "dc1").unwrap().to_string(), "a.b.node.dc1.consul.");
    }
}
