use std::net::{IpAddr, Ipv4Addr};

/// What the machine says of itself, for what the configuration leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    /// Addresses that other hosts may reach it by; loopback is not among them.
    pub addresses: Vec<IpAddr>,
}

impl Host {
    /// Asks the system. What it does not know stays empty, and is an error only where it is needed.
    pub fn detect() -> Self {
        let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Self { name: name.unwrap_or_default(), addresses: interface_addresses() }
    }

    /// The only private IPv4 address, else the only IPv4 address, else the only one of any kind.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let private = |ip: &&IpAddr| matches!(ip, IpAddr::V4(ip) if Ipv4Addr::is_private(ip));
        only(self.addresses.iter().filter(private))
            .or_else(|| only(self.addresses.iter().filter(|ip| ip.is_ipv4())))
            .or_else(|| only(self.addresses.iter()))
    }
}

fn only<'a>(mut list: impl Iterator<Item = &'a IpAddr>) -> Option<IpAddr> {
    let first = list.next()?;
    list.next().is_none().then_some(*first)
}

fn interface_addresses() -> Vec<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let address = |interface: nix::ifaddrs::InterfaceAddress| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
    };
    let link_local = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    interfaces.filter_map(address).filter(|ip| !ip.is_loopback() && !link_local(ip)).collect()
}
